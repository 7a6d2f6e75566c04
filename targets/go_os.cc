#include "go_os.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <vector>

namespace oldornew::targets {

std::string GoError::Text() const { return operation + " " + path + ": " + std::strerror(number); }

namespace goos {
namespace {

constexpr size_t kMaxWrite = size_t{1} << 30;
constexpr size_t kNamesAtATime = 1024;
constexpr int kTempDirAttempts = 10000;

tl::unexpected<GoError> Error(const char* operation, const std::string& path, int number) {
  return tl::unexpected<GoError>(GoError{operation, path, number});
}

/// Calls until the result is not EINTR. Returns the result; errno has the reason when it is
/// negative.
template <typename Call>
auto Restart(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

GoStatus Done(int result, const char* operation, const std::string& path) {
  if (result < 0) return Error(operation, path, errno);
  return {};
}

/// Up to `limit` names of an open directory, "." and ".." left out.
std::vector<std::string> ReadNames(DIR* directory, size_t limit) {
  std::vector<std::string> names;
  while (names.size() < limit) {
    const dirent* entry = readdir(directory);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

GoStatus RemoveAllFrom(int parent, const std::string& base);

/// Removes what is in the directory (parent, base). Reopens it after every 1024 names, as Go does.
/// Returns the first error.
GoStatus RemoveEntries(int parent, const std::string& base) {
  GoStatus first;
  for (;;) {
    const int fd = Restart([&] { return openat(parent, base.c_str(), O_RDONLY | O_CLOEXEC); });
    if (fd < 0) return errno == ENOENT ? first : Error("openfdat", base, errno);
    DIR* directory = fdopendir(fd);
    if (directory == nullptr) {
      const int number = errno;
      close(fd);
      return Error("readdirnames", base, number);
    }
    size_t found = 0;
    size_t failed = 0;
    do {
      const std::vector<std::string> names = ReadNames(directory, kNamesAtATime);
      found = names.size();
      failed = 0;
      for (const std::string& name : names) {
        GoStatus status = RemoveAllFrom(dirfd(directory), name);
        if (status) continue;
        ++failed;
        if (first) first = status;
      }
    } while (failed == kNamesAtATime);
    closedir(directory);
    if (found < kNamesAtATime) return first;
  }
}

GoStatus RemoveAllFrom(int parent, const std::string& base) {
  if (Restart([&] { return unlinkat(parent, base.c_str(), 0); }) == 0 || errno == ENOENT) return {};
  const int unlink_error = errno;
  if (unlink_error != EISDIR && unlink_error != EPERM && unlink_error != EACCES) {
    return Error("unlinkat", base, unlink_error);
  }
  struct stat info;
  if (Restart([&] { return fstatat(parent, base.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) < 0) {
    if (errno == ENOENT) return {};
    return Error("fstatat", base, errno);
  }
  if (!S_ISDIR(info.st_mode)) return Error("unlinkat", base, unlink_error);
  GoStatus entries = RemoveEntries(parent, base);
  if (Restart([&] { return unlinkat(parent, base.c_str(), AT_REMOVEDIR); }) == 0 || errno == ENOENT)
    return {};
  const int rmdir_error = errno;
  if (!entries) return entries;
  return Error("unlinkat", base, rmdir_error);
}

/// os.splitPath: parent directory and last component, trailing slashes ignored; "." is the parent
/// of a bare name.
SplitPath ParentAndBase(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

GoResult<int> OpenFile(const std::string& path, int flags, mode_t perm) {
  const int fd = Restart([&] { return openat(AT_FDCWD, path.c_str(), flags | O_CLOEXEC, perm); });
  if (fd < 0) return Error("open", path, errno);
  return fd;
}

GoStatus Write(int fd, const std::string& path, std::string_view data) {
  while (!data.empty()) {
    const ssize_t count =
        Restart([&] { return write(fd, data.data(), std::min(data.size(), kMaxWrite)); });
    if (count < 0) return Error("write", path, errno);
    if (count == 0) return Error("write", path, EIO);
    data.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

GoStatus Sync(int fd, const std::string& path) {
  return Done(Restart([&] { return fsync(fd); }), "sync", path);
}

// Go does not restart close: the descriptor is gone whatever the answer is.
GoStatus Close(int fd, const std::string& path) { return Done(close(fd), "close", path); }

GoStatus Rename(const std::string& from, const std::string& to) {
  GoResult<struct stat> target = Lstat(to);
  if (target && S_ISDIR(target->st_mode)) {
    GoResult<struct stat> source = Lstat(from);
    if (!source) return Error("rename", from, source.error().number);
    const bool same = source->st_dev == target->st_dev && source->st_ino == target->st_ino;
    if (from == to || !same) return Error("rename", to, EEXIST);
  }
  return Done(Restart([&] { return renameat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str()); }),
              "rename", to);
}

GoStatus Remove(const std::string& path) {
  if (Restart([&] { return unlinkat(AT_FDCWD, path.c_str(), 0); }) == 0) return {};
  const int unlink_error = errno;
  if (Restart([&] { return unlinkat(AT_FDCWD, path.c_str(), AT_REMOVEDIR); }) == 0) return {};
  return Error("remove", path, errno == ENOTDIR ? unlink_error : errno);
}

GoStatus RemoveAll(const std::string& path) {
  if (path.empty()) return {};
  if (path == "." || path.ends_with("/.")) return Error("RemoveAll", path, EINVAL);
  GoStatus simple = Remove(path);
  if (simple || simple.error().number == ENOENT) return {};
  const SplitPath split = ParentAndBase(path);
  const int parent =
      Restart([&] { return openat(AT_FDCWD, split.dir.c_str(), O_RDONLY | O_CLOEXEC); });
  if (parent < 0 && errno == ENOENT) return {};
  if (parent < 0) return Error("open", split.dir, errno);
  GoStatus status = RemoveAllFrom(parent, split.file);
  close(parent);
  return status;
}

GoResult<struct stat> Lstat(const std::string& path) {
  struct stat info;
  if (Restart([&] { return fstatat(AT_FDCWD, path.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) < 0) {
    return Error("lstat", path, errno);
  }
  return info;
}

GoResult<std::string> Readlink(const std::string& path) {
  for (size_t size = 128;; size *= 2) {
    std::string buffer(size, '\0');
    const ssize_t count =
        Restart([&] { return readlinkat(AT_FDCWD, path.c_str(), buffer.data(), size); });
    if (count < 0) return Error("readlink", path, errno);
    if (static_cast<size_t>(count) < size) return buffer.substr(0, static_cast<size_t>(count));
  }
}

GoStatus Symlink(const std::string& target, const std::string& link) {
  return Done(Restart([&] { return symlinkat(target.c_str(), AT_FDCWD, link.c_str()); }), "symlink",
              link);
}

GoResult<std::string> TempDir(const std::string& dir, const std::string& prefix) {
  const char* environment = std::getenv("TMPDIR");
  const std::string fallback =
      environment != nullptr && *environment != '\0' ? environment : "/tmp";
  const std::string parent = dir.empty() ? fallback : dir;
  std::random_device random;
  for (int attempt = 0; attempt < kTempDirAttempts; ++attempt) {
    std::string digits = std::to_string(1'000'000'000u + random() % 1'000'000'000u).substr(1);
    std::string path = Join(parent, prefix + digits);
    if (Restart([&] { return mkdirat(AT_FDCWD, path.c_str(), 0700); }) == 0) return path;
    if (errno != EEXIST) return Error("mkdir", path, errno);
  }
  return Error("mkdir", Join(parent, prefix), EEXIST);
}

GoStatus WriteFile(const std::string& path, std::string_view data, mode_t perm) {
  GoResult<int> fd = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, perm);
  if (!fd) return tl::unexpected(fd.error());
  GoStatus written = Write(*fd, path, data);
  GoStatus closed = Close(*fd, path);
  return written ? closed : written;
}

SplitPath Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

std::string Join(const std::string& dir, const std::string& name) {
  const std::string joined = dir.empty() ? name : dir + "/" + name;
  std::string clean = std::filesystem::path(joined).lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  return clean;
}

}  // namespace goos
}  // namespace oldornew::targets
