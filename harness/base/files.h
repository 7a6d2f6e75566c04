// Files of the harness itself: whole-file reads and writes, descriptors and directories that clean
// up after themselves.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace oldornew {

/// Owns a descriptor; -1 is "none".
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { Reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// The whole file. Errors name the path and the errno.
Result<std::string> ReadFile(const std::string& path);

/// realpath(3). Errors (usage) name the path.
Result<std::string> RealPath(const std::string& path);

/// Creates or replaces `path` as a whole: temporary file, write, rename, with fsyncs when
/// `durable`. A symlink is followed: the file that it leads to is replaced. A device or a pipe
/// (/dev/null, /dev/stdout) is written to.
Status WriteFile(const std::string& path, std::string_view bytes, bool durable = false);

/// mkdir -p. An existing directory is fine.
Status MakeDirectories(const std::string& path);

/// rm -rf, within one device and never following symlinks. Gives u+rwx to directories that lack it.
/// A missing path is fine.
Status RemoveTree(const std::string& path);

/// A fresh directory "<parent>/<prefix>XXXXXX", removed with everything in it at the end of the
/// scope.
class TempDir {
 public:
  /// `parent` empty: $TMPDIR or /tmp.
  static Result<TempDir> Create(const std::string& prefix, const std::string& parent = "");
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();
  const std::string& path() const { return path_; }
  /// Keeps the directory and returns its path.
  std::string Release() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace oldornew
