// LiveProgram: the words of a litmus test as system calls.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/text.h"
#include "realfs/observe.h"

namespace oldornew {
namespace {

constexpr size_t kPage = 4096;

// "A*2p+0*100" as bytes.
std::string Bytes(const std::string& content) {
  std::string out;
  if (content == "empty") return out;
  for (const std::string& run : Split(content, '+')) {
    const size_t count = std::stoull(run.substr(2)) * (run.back() == 'p' ? kPage : 1);
    out.append(count, run[0] == '0' ? '\0' : run[0]);
  }

  return out;
}

Status Check(bool good, const std::vector<std::string>& words) {
  if (good) return {};
  return Fail("{}: {}", Join(words, " "), ErrnoText(errno));
}

}  // namespace

LiveProgram::~LiveProgram() {
  for (const auto& [name, fd] : handles_) close(fd);
}

Result<int> LiveProgram::Open(const std::string& name, int flags) {
  for (const auto& [handle, fd] : handles_) {
    if (handle == name) return dup(fd);
  }
  const int fd = open(Path(name).c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) return Fail("open {}: {}", name, ErrnoText(errno));
  return fd;
}

Status LiveProgram::Write(const std::vector<std::string>& w) {
  const auto has = [&](const char* flag) {
    return std::find(w.begin() + 5, w.end(), flag) != w.end();
  };
  const int flags = (has("trunc") ? O_TRUNC : 0) | (has("sync") ? O_SYNC : 0) |
                    (has("dsync") ? O_DSYNC : 0) | (has("direct") ? O_DIRECT : 0);
  const std::string bytes = Bytes(w[4]);
  void* aligned = nullptr;
  if (posix_memalign(&aligned, kPage, bytes.size() + 1) != 0) return Fail("no memory");
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(aligned));
  const auto fd = Open(w[2], O_WRONLY | O_CREAT | flags);
  ssize_t n = -1;
  if (fd) n = pwrite(*fd, aligned, bytes.size(), static_cast<off_t>(std::stoull(w[3])));
  const bool closed = fd && close(*fd) == 0;
  free(aligned);
  if (!fd) return tl::unexpected(fd.error());
  return Check(closed && n == static_cast<ssize_t>(bytes.size()), w);
}

Status LiveProgram::Sync(const std::vector<std::string>& w) {
  const std::string name = w.size() > 2 ? w[2] : "";
  const bool file = w[1] == "sfr";
  ASSIGN_OR_RETURN(const int fd, Open(name, file ? O_RDWR : O_RDONLY));
  const int status = w[1] == "fsync"       ? fsync(fd)
                     : w[1] == "fdatasync" ? fdatasync(fd)
                     : w[1] == "sfr"
                         ? sync_file_range(fd, 0, 0,
                                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                               SYNC_FILE_RANGE_WAIT_AFTER)
                         : syncfs(fd);
  const Status checked = Check(status == 0, w);
  close(fd);
  return checked;
}

// A commit that nobody asked for our data: fsync of a fresh file, and on btrfs a transaction commit
// as the one of every 30 s, which flushes no data (persistence-model.md 2).
Status LiveProgram::Trigger() {
  const std::string name = fmt::format("trig{}", triggers_++);
  ASSIGN_OR_RETURN(const int fd, Open(name, O_WRONLY | O_CREAT | O_EXCL));
  const bool good = write(fd, "o", 1) == 1 && fsync(fd) == 0;
  close(fd);
  if (!good) return Fail("trig: {}", ErrnoText(errno));
  struct statfs fs;
  if (statfs(root_.c_str(), &fs) != 0 || fs.f_type != BTRFS_SUPER_MAGIC) return {};
  ASSIGN_OR_RETURN(const int root, Open("", O_RDONLY));
  uint64_t transaction = 0;
  const bool committed = ioctl(root, BTRFS_IOC_START_SYNC, &transaction) == 0 &&
                         ioctl(root, BTRFS_IOC_WAIT_SYNC, &transaction) == 0;
  close(root);
  return committed ? Status() : Fail("trig: {}", ErrnoText(errno));
}

Status LiveProgram::Call(const std::vector<std::string>& w) {
  const std::string& op = w[1];
  const std::string path = w.size() > 2 ? Path(w[2]) : "";
  const auto number = [&](size_t i) { return static_cast<off_t>(std::stoull(w[i])); };
  if (op == "create") {
    ASSIGN_OR_RETURN(const int fd, Open(w[2], O_WRONLY | O_CREAT | O_EXCL));
    return Check(close(fd) == 0 && (w.size() < 4 || chmod(path.c_str(), 0644) == 0), w);
  }

  if (op == "mkdir") return Check(mkdir(path.c_str(), 0755) == 0, w);
  if (op == "unlink") return Check(unlink(path.c_str()) == 0, w);
  if (op == "rmdir") return Check(rmdir(path.c_str()) == 0, w);
  if (op == "rename") return Check(rename(path.c_str(), Path(w[3]).c_str()) == 0, w);
  if (op == "xchg" || op == "whiteout") {
    const unsigned flags = op == "xchg" ? RENAME_EXCHANGE : RENAME_WHITEOUT;
    return Check(renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, Path(w[3]).c_str(), flags) == 0, w);
  }

  if (op == "link" && w[2][0] == '@') {
    ASSIGN_OR_RETURN(const int fd, Open(w[2], 0));
    const std::string self = fmt::format("/proc/self/fd/{}", fd);
    const int status =
        linkat(AT_FDCWD, self.c_str(), AT_FDCWD, Path(w[3]).c_str(), AT_SYMLINK_FOLLOW);
    const Status checked = Check(status == 0, w);
    close(fd);
    return checked;
  }

  if (op == "link") return Check(link(path.c_str(), Path(w[3]).c_str()) == 0, w);
  if (op == "symlink") return Check(symlink(w[2].c_str(), Path(w[3]).c_str()) == 0, w);
  if (op == "truncate") return Check(truncate(path.c_str(), number(3)) == 0, w);
  if (op == "chmod")
    return Check(chmod(path.c_str(), static_cast<mode_t>(std::stoul(w[3], nullptr, 8))) == 0, w);
  if (op == "setxattr")
    return Check(setxattr(path.c_str(), w[3].c_str(), w[4].data(), w[4].size(), 0) == 0, w);
  if (op == "falloc") {
    ASSIGN_OR_RETURN(const int fd, Open(w[2], O_WRONLY | O_CREAT));
    const Status checked = Check(fallocate(fd, 0, number(3), number(4)) == 0, w);
    close(fd);
    return checked;
  }

  if (op == "tmpfile") {
    const int fd = open(root_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    handles_.emplace_back(w[2], fd);
    return Check(fd >= 0, w);
  }

  return Fail("{}: cannot be done live", Join(w, " "));
}

Status LiveProgram::Run(const std::vector<std::string>& w) {
  if (w[0] == "old") {
    if (w[1] == "file") return Write({"old", "w", w[2], "0", w[3]});
    if (w[1] == "dir") return Call({"old", "mkdir", w[2]});
    return Call(w);  // symlink TARGET PATH, link EXISTING PATH
  }

  const std::string& op = w[1];
  if (op == "w") return Write(w);
  if (op == "trig") return Trigger();
  if (op == "fsync" || op == "fdatasync" || op == "sfr" || op == "syncfs") return Sync(w);
  return Call(w);
}

}  // namespace oldornew
