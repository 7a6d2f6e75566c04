#include "base/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"

namespace oldornew {

void UniqueFd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

Result<std::string> ReadFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Fail("cannot open {}: {}", path, ErrnoText(errno));

  std::string bytes;
  struct stat st{};
  if (fstat(fd.get(), &st) == 0 && st.st_size > 0)
    bytes.reserve(static_cast<size_t>(st.st_size) + 1);

  char buffer[65536];
  while (true) {
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n == 0) return bytes;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail("cannot read {}: {}", path, ErrnoText(errno));
    bytes.append(buffer, static_cast<size_t>(n));
  }
}

Result<std::string> RealPath(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return FailWith(ExitCode::kUsage, "{}: {}", path, ErrnoText(errno));
  std::string result = resolved;
  free(resolved);
  return result;
}

namespace {

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Fail("cannot write {}: {}", path, ErrnoText(n < 0 ? errno : EIO));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string dir = slash == std::string::npos ? "."
                          : slash == 0               ? "/"
                                                     : path.substr(0, slash);
  const UniqueFd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return Fail("cannot sync {}: {}", dir, ErrnoText(errno));
  return {};
}

// Names of open descriptors. What they lead to is in use by somebody.
bool IsDescriptorName(const std::string& path) {
  return path.starts_with("/dev/std") || path.starts_with("/dev/fd/") || path.starts_with("/proc/");
}

// For a device, a pipe or /dev/stdout, which nothing may replace.
Status WriteInto(const std::string& path, std::string_view bytes) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC));
  if (!fd.valid()) return Fail("cannot open {}: {}", path, ErrnoText(errno));
  RETURN_IF_ERROR(WriteAll(fd.get(), bytes, path));
  if (close(fd.Release()) != 0) return Fail("cannot close {}: {}", path, ErrnoText(errno));
  return {};
}

}  // namespace

Status WriteFile(const std::string& given, std::string_view bytes, bool durable) {
  struct stat there{};
  const bool exists = stat(given.c_str(), &there) == 0;
  const bool ordinary = S_ISREG(there.st_mode) || S_ISDIR(there.st_mode);
  if (exists && (!ordinary || IsDescriptorName(given))) return WriteInto(given, bytes);

  // A symlink continues to lead to the file.
  std::string path = given;
  if (exists) {
    ASSIGN_OR_RETURN(path, RealPath(given));
  }

  std::string temporary = path + ".XXXXXX";
  UniqueFd fd(mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.valid()) return Fail("cannot create {}: {}", temporary, ErrnoText(errno));
  const auto abandon = [&](Error error) -> Status {
    unlink(temporary.c_str());
    return tl::unexpected(std::move(error));
  };

  if (auto written = WriteAll(fd.get(), bytes, path); !written) return abandon(written.error());
  fchmod(fd.get(), exists && S_ISREG(there.st_mode) ? there.st_mode & 07777 : 0644);
  if (durable && fsync(fd.get()) != 0)
    return abandon({fmt::format("cannot sync {}: {}", path, ErrnoText(errno))});
  if (close(fd.Release()) != 0)
    return abandon({fmt::format("cannot close {}: {}", path, ErrnoText(errno))});

  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return abandon({fmt::format("cannot rename to {}: {}", path, ErrnoText(errno))});
  }

  return durable ? SyncDirectoryOf(path) : Status{};
}

Status MakeDirectories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (!prefix.empty() && mkdir(prefix.c_str(), 0755) != 0 && errno != EEXIST) {
      return Fail("cannot create directory {}: {}", prefix, ErrnoText(errno));
    }
    if (end == std::string::npos) break;
  }

  struct stat st{};
  if (stat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))
    return Fail("{} is not a directory", path);
  return {};
}

namespace {

Status RemoveEntries(int dir_fd, dev_t device, const std::string& path);

Status RemoveEntry(int parent, const char* name, dev_t device, const std::string& path) {
  struct stat st{};
  if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status{} : Fail("cannot remove {}: {}", path, ErrnoText(errno));
  }

  if (!S_ISDIR(st.st_mode)) {
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return {};
    return Fail("cannot remove {}: {}", path, ErrnoText(errno));
  }

  if (st.st_dev != device) return Fail("will not remove {}, because it is on another device", path);
  if ((st.st_mode & 0700) != 0700) fchmodat(parent, name, 0700, 0);
  const UniqueFd fd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return Fail("cannot remove {}: {}", path, ErrnoText(errno));
  RETURN_IF_ERROR(RemoveEntries(fd.get(), device, path));
  if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return Fail("cannot remove {}: {}", path, ErrnoText(errno));
  }
  return {};
}

Status RemoveEntries(int dir_fd, dev_t device, const std::string& path) {
  DIR* dir = fdopendir(dup(dir_fd));
  if (dir == nullptr) return Fail("cannot list {}: {}", path, ErrnoText(errno));

  Status status;
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    status = RemoveEntry(dir_fd, name.c_str(), device, JoinPath(path, name));
    if (!status) break;
  }

  closedir(dir);
  return status;
}

}  // namespace

Status RemoveTree(const std::string& path) {
  struct stat st{};
  if (lstat(path.c_str(), &st) != 0) {
    return errno == ENOENT ? Status{} : Fail("cannot remove {}: {}", path, ErrnoText(errno));
  }
  return RemoveEntry(AT_FDCWD, path.c_str(), st.st_dev, path);
}

Result<TempDir> TempDir::Create(const std::string& prefix, const std::string& parent) {
  std::string dir = parent;
  if (dir.empty()) {
    const char* from_environment = std::getenv("TMPDIR");
    dir = from_environment != nullptr && *from_environment != '\0' ? from_environment : P_tmpdir;
  }

  std::string path = JoinPath(dir, prefix + "XXXXXX");
  if (mkdtemp(path.data()) == nullptr)
    return Fail("cannot create a directory in {}: {}", dir, ErrnoText(errno));
  return TempDir(std::move(path));
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    if (!path_.empty()) (void)RemoveTree(path_).has_value();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

TempDir::~TempDir() {
  if (!path_.empty()) (void)RemoveTree(path_).has_value();
}

}  // namespace oldornew
