// The single steps of a hardened update. Each returns 0 or an errno, restarts on EINTR where that
// is right, and works relative to directory descriptors, so that a directory renamed in between is
// still the same directory.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oldornew::hardened {

/// Owns a descriptor. Close() reports what the destructor would have to drop.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    (void)Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { (void)Close(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  /// 0 or the errno of close(2). The descriptor is closed either way. EINTR counts as success,
  /// because Linux closes first.
  int Close();

 private:
  int fd_ = -1;
};

/// Calls until the result is not -1 with EINTR.
template <typename Call>
auto Restart(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

/// Which inode: a name is only touched after a check that it still means this.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Identity&) const = default;
};
int IdentityOf(int fd, Identity* identity);
int IdentityAt(int dir, const std::string& name, Identity* identity);

/// 0 if `name` is one component that can be a file of the user: not empty, no '/' or NUL, not "."
/// or "..", at most NAME_MAX bytes, not starting with `reserved_prefix`. Else EINVAL or
/// ENAMETOOLONG.
int CheckName(std::string_view name, std::string_view reserved_prefix);

/// 0 if `dir` is a directory that can be fsynced: ENOTDIR for a file, EBADF for a descriptor opened
/// with O_PATH.
int CheckDirectory(int dir);

/// `prefix` + 26 hexadecimal digits from getrandom(2): 104 bits, a fixed length whatever the
/// target's name is.
int UniqueName(std::string_view prefix, std::string* name);

/// Writes all of `data` at the current offset; a short count continues, a count of 0 is EIO.
int WriteAll(int fd, std::string_view data);

/// fsync(2). After an error the pages count as clean and a retry would succeed without having
/// written anything (persistence-model.md 4): the caller abandons the file.
int Sync(int fd);

/// fsync of every regular file and, bottom-up, of every directory under `dir`, then of `dir`.
/// Symlinks are covered by the directory that holds them. EINVAL for a socket, device or FIFO: such
/// a tree is refused.
int SyncTree(int dir);

/// All names in `dir` but "." and "..". The descriptor is not consumed and its offset not moved.
/// Returns 0 or an errno; then `names` holds those that could be read.
int NamesIn(int dir, std::vector<std::string>* names);

/// unlink, or rm -r for a directory, never following a symlink. A missing name is 0. Continues
/// after an error and returns the first one.
int RemoveAt(int dir, const std::string& name);

/// openat of a directory that is not a symlink. Returns the errno.
int OpenDirectoryAt(int dir, const std::string& name, Fd* result);

}  // namespace oldornew::hardened
