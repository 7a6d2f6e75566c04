#include "hardened/steps.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace oldornew::hardened {
namespace {

constexpr size_t kLargestWrite = size_t{1} << 30;
constexpr size_t kRandomBytes = 13;

int SyncRegularFile(int dir, const std::string& name) {
  Fd fd(Restart([&] { return openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!fd.valid()) return errno;
  if (int error = Sync(fd.get())) return error;
  return fd.Close();
}

/// Opens a directory that is about to be removed, and gives its owner all rights on it: a published
/// tree may be read-only.
int OpenForRemoval(int dir, const std::string& name, Fd* result) {
  int error = OpenDirectoryAt(dir, name, result);
  if (error == EACCES && fchmodat(dir, name.c_str(), 0700, 0) == 0)
    error = OpenDirectoryAt(dir, name, result);
  if (error != 0) return error;
  struct stat info;
  if (fstat(result->get(), &info) == 0 && (info.st_mode & 0700) != 0700)
    (void)fchmod(result->get(), 0700);
  return 0;
}

}  // namespace

int Fd::Close() {
  if (fd_ < 0) return 0;
  return close(std::exchange(fd_, -1)) == 0 || errno == EINTR ? 0 : errno;
}

int IdentityOf(int fd, Identity* identity) {
  struct stat info;
  if (fstat(fd, &info) != 0) return errno;
  *identity = {info.st_dev, info.st_ino};
  return 0;
}

int IdentityAt(int dir, const std::string& name, Identity* identity) {
  struct stat info;
  if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  *identity = {info.st_dev, info.st_ino};
  return 0;
}

int CheckName(std::string_view name, std::string_view reserved_prefix) {
  if (name.empty() || name == "." || name == "..") return EINVAL;
  if (name.find('/') != name.npos || name.find('\0') != name.npos) return EINVAL;
  if (name.starts_with(reserved_prefix)) return EINVAL;
  return name.size() > NAME_MAX ? ENAMETOOLONG : 0;
}

int CheckDirectory(int dir) {
  struct stat info;
  if (fstat(dir, &info) != 0) return errno;
  if (!S_ISDIR(info.st_mode)) return ENOTDIR;
  const int flags = fcntl(dir, F_GETFL);
  if (flags < 0) return errno;
  return (flags & O_PATH) != 0 ? EBADF : 0;
}

int UniqueName(std::string_view prefix, std::string* name) {
  uint8_t bytes[kRandomBytes];
  const ssize_t count = Restart([&] { return getrandom(bytes, sizeof(bytes), 0); });
  if (count != static_cast<ssize_t>(sizeof(bytes))) return count < 0 ? errno : EIO;
  constexpr char kDigits[] = "0123456789abcdef";
  *name = prefix;
  for (const uint8_t byte : bytes) {
    name->push_back(kDigits[byte >> 4]);
    name->push_back(kDigits[byte & 15]);
  }
  return 0;
}

int WriteAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t count =
        Restart([&] { return write(fd, data.data(), std::min(data.size(), kLargestWrite)); });
    if (count < 0) return errno;
    if (count == 0) return EIO;
    data.remove_prefix(static_cast<size_t>(count));
  }
  return 0;
}

int Sync(int fd) {
  return Restart([&] { return fsync(fd); }) == 0 ? 0 : errno;
}

int SyncTree(int dir) {
  std::vector<std::string> names;
  if (int error = NamesIn(dir, &names)) return error;
  for (const std::string& name : names) {
    struct stat info;
    if (fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    int error = EINVAL;
    if (S_ISLNK(info.st_mode)) {
      error = 0;
    } else if (S_ISREG(info.st_mode)) {
      error = SyncRegularFile(dir, name);
    } else if (S_ISDIR(info.st_mode)) {
      Fd child;
      error = OpenDirectoryAt(dir, name, &child);
      if (error == 0) error = SyncTree(child.get());
    }
    if (error != 0) return error;
  }
  return Sync(dir);
}

int NamesIn(int dir, std::vector<std::string>* names) {
  Fd copy;
  if (int error = OpenDirectoryAt(dir, ".", &copy)) return error;
  DIR* stream = fdopendir(copy.get());
  if (stream == nullptr) return errno;
  (void)copy.Release();
  int error = 0;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream);
    if (entry == nullptr) {
      error = errno;
      break;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names->push_back(name);
  }
  closedir(stream);
  return error;
}

int RemoveAt(int dir, const std::string& name) {
  if (Restart([&] { return unlinkat(dir, name.c_str(), 0); }) == 0 || errno == ENOENT) return 0;
  const int unlink_error = errno;
  if (unlink_error != EISDIR && unlink_error != EPERM) return unlink_error;
  Fd child;
  if (int error = OpenForRemoval(dir, name, &child)) {
    if (error == ENOENT) return 0;
    return error == ENOTDIR || error == ELOOP ? unlink_error : error;
  }
  std::vector<std::string> names;
  int first = NamesIn(child.get(), &names);
  for (const std::string& inner : names) {
    const int error = RemoveAt(child.get(), inner);
    if (first == 0) first = error;
  }
  if (Restart([&] { return unlinkat(dir, name.c_str(), AT_REMOVEDIR); }) == 0 || errno == ENOENT)
    return 0;
  return first == 0 ? errno : first;
}

int OpenDirectoryAt(int dir, const std::string& name, Fd* result) {
  const int fd = Restart(
      [&] { return openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); });
  if (fd < 0) return errno;
  *result = Fd(fd);
  return 0;
}

}  // namespace oldornew::hardened
