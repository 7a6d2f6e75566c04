#include "run/copy_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

constexpr size_t kSmallFile = 64 * 1024;

std::string DescriptorPath(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

std::string DescriptorPath(int dir, const std::string& name) {
  return fmt::format("/proc/self/fd/{}/{}", dir, name);
}

/// openat for reading that leaves the access time alone where that is permitted (to the owner and
/// to root).
int OpenUntouched(int dir, const char* name, int flags) {
  int fd = openat(dir, name, flags | O_RDONLY | O_CLOEXEC | O_NOATIME);
  if (fd < 0 && errno == EPERM) fd = openat(dir, name, flags | O_RDONLY | O_CLOEXEC);
  return fd;
}

class Copier {
 public:
  explicit Copier(uint64_t limit) : limit_(limit), uid_(geteuid()), gid_(getegid()) {}

  Status CopyRoot(const std::string& source, const std::string& target);
  CopyOutcome Take() { return std::move(outcome_); }

 private:
  Status CopyEntries(int from, int to, const std::string& path);
  Status CopyEntry(int from, int to, const std::string& name, const std::string& path);
  Status CopyDirectory(int from, int to, const std::string& name, const struct stat& st,
                       const std::string& path);
  Status CopyFile(int from, int to, const std::string& name, const struct stat& st,
                  const std::string& path);
  Status CopySymlink(int from, int to, const std::string& name, const struct stat& st,
                     const std::string& path);
  Status CopyBytes(int in, int out, const struct stat& st, const std::string& path);
  Status CopyRange(int in, int out, uint64_t offset, uint64_t end, const std::string& path);
  Status Charge(uint64_t bytes, const std::string& path);
  void CopyOwner(int fd, const char* name, const struct stat& st);
  /// `follow`: the paths are /proc links to descriptors. Otherwise they are symlinks, whose own
  /// attributes are copied.
  void CopyXattrs(const std::string& from, const std::string& to, bool follow);
  /// Copies all that is not content, in this order: the owner (which clears suid bits), xattrs
  /// (capabilities, ACLs), the mode, times.
  void Finish(int in, int out, const struct stat& st);

  tl::unexpected<Error> CannotRead(const std::string& path, int error) {
    return FailWith(ExitCode::kCannotJudge, "cannot copy {}: {}", path, ErrnoText(error));
  }
  tl::unexpected<Error> CannotWrite(const std::string& path, int error) {
    return FailWith(ExitCode::kCannotJudge, "cannot write the private copy of {}: {}", path,
                    ErrnoText(error));
  }

  uint64_t limit_;
  uid_t uid_;
  gid_t gid_;
  dev_t device_ = 0;
  std::string source_;
  int target_root_ = -1;
  // Where each inode with several links was copied first, relative to the root of the copy.
  std::map<std::pair<dev_t, ino_t>, std::string> hard_links_;
  CopyOutcome outcome_;
};

Status Copier::CopyRoot(const std::string& source, const std::string& target) {
  UniqueFd in(open(source.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!in.valid()) return CannotRead(source, errno);
  UniqueFd out(open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!out.valid()) return CannotWrite(source, errno);
  struct stat st;
  if (fstat(in.get(), &st) != 0) return CannotRead(source, errno);

  device_ = st.st_dev;
  source_ = source;
  target_root_ = out.get();
  RETURN_IF_ERROR(CopyEntries(in.get(), out.get(), ""));
  Finish(in.get(), out.get(), st);
  return {};
}

Status Copier::CopyEntries(int from, int to, const std::string& path) {
  UniqueFd listing(OpenUntouched(from, ".", O_DIRECTORY));
  if (!listing.valid()) return CannotRead(JoinPath(source_, path), errno);
  DIR* dir = fdopendir(listing.get());
  if (dir == nullptr) return CannotRead(JoinPath(source_, path), errno);
  listing.Release();

  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(dir)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      names.emplace_back(entry->d_name);
    errno = 0;
  }

  const int error = errno;
  closedir(dir);
  if (error != 0) return CannotRead(JoinPath(source_, path), error);

  // Always the same order of creation, so that listings of two copies are as alike as the file
  // system allows.
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    RETURN_IF_ERROR(CopyEntry(from, to, name, JoinPath(path, name)));
  return {};
}

Status Copier::CopyEntry(int from, int to, const std::string& name, const std::string& path) {
  struct stat st;
  if (fstatat(from, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};  // gone since the listing: then it is not in the copy
    return CannotRead(JoinPath(source_, path), errno);
  }

  if (++outcome_.entries > kCopyEntryLimit) {
    return FailWith(ExitCode::kUsage,
                    "{} holds more than {} files; choose a smaller directory with --dir", source_,
                    kCopyEntryLimit);
  }

  if (!S_ISDIR(st.st_mode) && st.st_nlink > 1) {
    auto [known, is_new] = hard_links_.try_emplace({st.st_dev, st.st_ino}, path);
    if (!is_new) {
      if (linkat(target_root_, known->second.c_str(), to, name.c_str(), 0) == 0) return {};
      // ENOENT: the first link was skipped, and so will this one be.
      if (errno != ENOENT) return CannotWrite(JoinPath(source_, path), errno);
    }
  }

  switch (st.st_mode & S_IFMT) {
    case S_IFDIR:
      return CopyDirectory(from, to, name, st, path);
    case S_IFREG:
      return CopyFile(from, to, name, st, path);
    case S_IFLNK:
      return CopySymlink(from, to, name, st, path);
    case S_IFIFO:
      if (mkfifoat(to, name.c_str(), 0600) != 0) return CannotWrite(JoinPath(source_, path), errno);
      CopyOwner(to, name.c_str(), st);
      fchmodat(to, name.c_str(), st.st_mode & 07777, 0);
      break;
    default: {
      // A node for a real device would lead out of the sandbox. A whiteout of an overlay (0:0)
      // leads nowhere.
      const bool whiteout = S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
      if (!whiteout || mknodat(to, name.c_str(), S_IFCHR | (st.st_mode & 07777), 0) != 0) {
        outcome_.skipped.push_back(path);
        return {};
      }
    }
  }

  const timespec times[2] = {st.st_atim, st.st_mtim};
  utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  return {};
}

Status Copier::CopyDirectory(int from, int to, const std::string& name, const struct stat& st,
                             const std::string& path) {
  UniqueFd in(OpenUntouched(from, name.c_str(), O_DIRECTORY | O_NOFOLLOW));
  if (!in.valid()) return CannotRead(JoinPath(source_, path), errno);
  if (faccessat(in.get(), kOutputMarker, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return {};

  if (st.st_dev != device_) ++outcome_.other_devices;
  if (mkdirat(to, name.c_str(), 0700) != 0) return CannotWrite(JoinPath(source_, path), errno);
  UniqueFd out(openat(to, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!out.valid()) return CannotWrite(JoinPath(source_, path), errno);

  RETURN_IF_ERROR(CopyEntries(in.get(), out.get(), path));
  Finish(in.get(), out.get(), st);
  return {};
}

Status Copier::CopyFile(int from, int to, const std::string& name, const struct stat& st,
                        const std::string& path) {
  // O_NONBLOCK: if the file has become a fifo since fstatat, do not wait for a writer.
  UniqueFd in(OpenUntouched(from, name.c_str(), O_NOFOLLOW | O_NONBLOCK));
  if (!in.valid()) return CannotRead(JoinPath(source_, path), errno);
  UniqueFd out(openat(to, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out.valid()) return CannotWrite(JoinPath(source_, path), errno);

  RETURN_IF_ERROR(CopyBytes(in.get(), out.get(), st, path));
  Finish(in.get(), out.get(), st);
  return {};
}

Status Copier::CopySymlink(int from, int to, const std::string& name, const struct stat& st,
                           const std::string& path) {
  std::string text(static_cast<size_t>(std::max<off_t>(st.st_size, 255)) + 1, '\0');
  const ssize_t length = readlinkat(from, name.c_str(), text.data(), text.size());
  if (length < 0) return CannotRead(JoinPath(source_, path), errno);
  text.resize(static_cast<size_t>(length));

  if (symlinkat(text.c_str(), to, name.c_str()) != 0)
    return CannotWrite(JoinPath(source_, path), errno);

  CopyOwner(to, name.c_str(), st);
  CopyXattrs(DescriptorPath(from, name), DescriptorPath(to, name), false);
  const timespec times[2] = {st.st_atim, st.st_mtim};
  utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  return {};
}

Status Copier::Charge(uint64_t bytes, const std::string& path) {
  outcome_.bytes += bytes;
  if (outcome_.bytes <= limit_) return {};
  return FailWith(ExitCode::kUsage,
                  "{} holds more than {}, the limit for the private copy (reached at {}); choose a "
                  "smaller directory with --dir",
                  source_, ByteSize(limit_), path);
}

Status Copier::CopyBytes(int in, int out, const struct stat& st, const std::string& path) {
  const uint64_t size = static_cast<uint64_t>(st.st_size);
  if (size == 0) return {};

  // Small files without holes are the common case. Large ones may share their extents.
  if (size <= kSmallFile && static_cast<uint64_t>(st.st_blocks) * 512 >= size)
    return CopyRange(in, out, 0, size, path);
  if (size > kSmallFile && ioctl(out, FICLONE, in) == 0)
    return Charge(static_cast<uint64_t>(st.st_blocks) * 512, path);

  // Copy the ranges with data, so that holes stay holes.
  if (ftruncate(out, st.st_size) != 0) return CannotWrite(JoinPath(source_, path), errno);
  uint64_t offset = 0;
  while (offset < size) {
    const off_t data = lseek(in, static_cast<off_t>(offset), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;                        // only a hole is left
    if (data < 0) return CopyRange(in, out, offset, size, path);  // no SEEK_DATA here

    off_t hole = lseek(in, data, SEEK_HOLE);
    if (hole < 0) hole = st.st_size;
    RETURN_IF_ERROR(CopyRange(in, out, static_cast<uint64_t>(data),
                              std::min(static_cast<uint64_t>(hole), size), path));
    offset = static_cast<uint64_t>(hole);
  }
  return {};
}

Status Copier::CopyRange(int in, int out, uint64_t offset, uint64_t end, const std::string& path) {
  RETURN_IF_ERROR(Charge(end - offset, path));
  off64_t from = static_cast<off64_t>(offset);
  off64_t to = from;
  if (end - offset > kSmallFile) {
    while (static_cast<uint64_t>(from) < end) {
      if (copy_file_range(in, &from, out, &to, end - static_cast<uint64_t>(from), 0) <= 0) break;
    }
  }

  // What copy_file_range could not do, by hand.
  char buffer[kSmallFile];
  while (static_cast<uint64_t>(from) < end) {
    const ssize_t got = pread(
        in, buffer, std::min<uint64_t>(sizeof buffer, end - static_cast<uint64_t>(from)), from);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(JoinPath(source_, path), errno);
    if (got == 0) break;  // the file was shortened while it was copied

    for (ssize_t done = 0; done < got;) {
      const ssize_t put = pwrite(out, buffer + done, static_cast<size_t>(got - done), from + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return CannotWrite(JoinPath(source_, path), errno);
      done += put;
    }
    from += got;
  }
  return {};
}

void Copier::CopyOwner(int fd, const char* name, const struct stat& st) {
  if (st.st_uid == uid_ && st.st_gid == gid_) return;
  if (fchownat(fd, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0) return;

  // A group that we are a member of can be kept without special rights.
  if (fchownat(fd, name, static_cast<uid_t>(-1), st.st_gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ==
          0 &&
      st.st_uid == uid_) {
    return;
  }

  ++outcome_.foreign_owners;
}

void Copier::CopyXattrs(const std::string& from, const std::string& to, bool follow) {
  const auto list = follow ? listxattr : llistxattr;
  const auto get = follow ? getxattr : lgetxattr;
  const auto set = follow ? setxattr : lsetxattr;

  std::string names(1024, '\0');
  ssize_t length = list(from.c_str(), names.data(), names.size());
  if (length < 0 && errno == ERANGE) {
    names.resize(XATTR_LIST_MAX);
    length = list(from.c_str(), names.data(), names.size());
  }

  if (length <= 0) return;
  names.resize(static_cast<size_t>(length));

  std::string value(XATTR_SIZE_MAX, '\0');
  for (size_t at = 0; at < names.size(); at += std::strlen(names.c_str() + at) + 1) {
    const char* name = names.c_str() + at;
    // This labels the place, not the file.
    if (std::strcmp(name, "security.selinux") == 0) continue;
    const ssize_t size = get(from.c_str(), name, value.data(), value.size());
    if (size < 0 || set(to.c_str(), name, value.data(), static_cast<size_t>(size), 0) != 0)
      ++outcome_.lost_xattrs;
  }
}

void Copier::Finish(int in, int out, const struct stat& st) {
  CopyOwner(out, "", st);

  // Most files have none, and asking the descriptor is faster than a path through /proc.
  if (flistxattr(in, nullptr, 0) > 0) CopyXattrs(DescriptorPath(in), DescriptorPath(out), true);

  fchmod(out, st.st_mode & 07777);
  const timespec times[2] = {st.st_atim, st.st_mtim};
  futimens(out, times);
}

}  // namespace

Result<CopyOutcome> CopyTree(const std::string& source, const std::string& target, uint64_t limit) {
  Copier copier(limit);
  RETURN_IF_ERROR(copier.CopyRoot(source, target));
  return copier.Take();
}

}  // namespace oldornew
