// The parts of Go's standard library (os, path/filepath, io/ioutil) that the two source documents
// use, call by call: the same system calls with the same flags in the same order, so that a port of
// a Go function leaves the trace that the Go program would leave. What was ported: Go 1.12 and
// later on Linux. Calls of the Go runtime that concern no file system (the attempt to register a
// descriptor with epoll) are left out.
//
// All functions restart on EINTR, as Go does, and throw nothing.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace oldornew::targets {

/// One failed step: which operation on which path, and why.
struct GoError {
  std::string operation;  ///< as Go names it: "open", "rename", "remove", ...
  std::string path;
  int number = 0;  ///< errno

  /// "open dir/name: No such file or directory".
  std::string Text() const;
};

template <typename T>
using GoResult = tl::expected<T, GoError>;
using GoStatus = GoResult<void>;

namespace goos {

/// os.OpenFile(path, flags, perm): openat with O_CLOEXEC. The caller owns the descriptor and ends
/// it with Close.
GoResult<int> OpenFile(const std::string& path, int flags, mode_t perm);

/// f.Write: repeats short writes, at most 1 GiB a call; a write of nothing is an error (EIO).
GoStatus Write(int fd, const std::string& path, std::string_view data);

GoStatus Sync(int fd, const std::string& path);

GoStatus Close(int fd, const std::string& path);

/// os.Rename: lstat of the new name first; an existing directory there is EEXIST, and no rename is
/// tried.
GoStatus Rename(const std::string& from, const std::string& to);

/// os.Remove: unlink, and when that fails, rmdir.
GoStatus Remove(const std::string& path);

/// os.RemoveAll: removes the tree; a missing path, and the empty path, are fine.
GoStatus RemoveAll(const std::string& path);

/// os.Lstat. A missing file is ENOENT.
GoResult<struct stat> Lstat(const std::string& path);

/// os.Readlink: readlinkat with a buffer that doubles from 128 bytes.
GoResult<std::string> Readlink(const std::string& path);

GoStatus Symlink(const std::string& target, const std::string& link);

/// ioutil.TempDir(dir, prefix): mkdir, mode 0700, of dir/prefix + random digits; an empty `dir`
/// means $TMPDIR, else /tmp.
GoResult<std::string> TempDir(const std::string& dir, const std::string& prefix);

/// ioutil.WriteFile: open with O_CREAT and O_TRUNC, write, close. No fsync.
GoStatus WriteFile(const std::string& path, std::string_view data, mode_t perm);

/// filepath.Split: everything up to and with the last slash, and the rest.
struct SplitPath {
  std::string dir;
  std::string file;
};
SplitPath Split(const std::string& path);

/// filepath.Join of two elements: joined with a slash unless `dir` is empty, then cleaned
/// ("a//b/../c" is "a/c").
std::string Join(const std::string& dir, const std::string& name);

}  // namespace goos
}  // namespace oldornew::targets
