// Replaces libc's file calls in a test program, so that the n-th call of a piece of code fails,
// before or after it was carried out. Tests only; included by one file of a program.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace oldornew::targets {

/// What goes wrong while one of these is alive. Calls are counted from 0.
class FaultyCalls {
 public:
  struct Fault {
    int call = 0;
    int error = 0;
    /// The call is carried out, but an error is reported. Only for calls where that happens in
    /// reality: fsync, close, renames, links and removals. Others fail as usual.
    bool after = false;
  };
  explicit FaultyCalls(std::vector<Fault> faults) : faults_(std::move(faults)) { current_ = this; }
  FaultyCalls(const FaultyCalls&) = delete;
  FaultyCalls& operator=(const FaultyCalls&) = delete;
  ~FaultyCalls() { Disarm(); }
  void Disarm() { current_ = nullptr; }

  /// Names of the calls that failed, in order.
  const std::vector<std::string>& failed() const { return failed_; }
  bool Failed(const std::string& name) const {
    return std::find(failed_.begin(), failed_.end(), name) != failed_.end();
  }

  template <typename Call>
  static auto Carry(const char* name, Call call) {
    if (current_ == nullptr) return call();
    for (const Fault& fault : current_->faults_) {
      if (fault.call != current_->count_) continue;
      ++current_->count_;
      current_->failed_.push_back(name);
      const bool released = std::string_view(name) ==
                            "close";  // on Linux the descriptor is gone whatever the answer is
      if (released || (fault.after && kDoneNevertheless.count(name) != 0)) (void)call();
      errno = fault.error;
      return decltype(call())(-1);
    }
    ++current_->count_;
    return call();
  }

 private:
  static inline const std::set<std::string> kDoneNevertheless = {"fsync", "close", "renameat2",
                                                                 "linkat", "unlinkat"};
  static inline FaultyCalls* current_ = nullptr;
  std::vector<Fault> faults_;
  std::vector<std::string> failed_;
  int count_ = 0;
};

/// Carries out code under every fault, one and then two at a time, until none of them fires any
/// more. `run` gets the faults, arms them around the code, and returns how many calls failed.
template <typename Run>
void UnderEveryFault(const std::vector<int>& errors, Run run) {
  for (const int error : errors) {
    for (const bool after : {false, true}) {
      for (int first = 0; run({{first, error, after}}) == 1; ++first) {
        for (int second = first + 1; run({{first, error, after}, {second, error, after}}) == 2;
             ++second) {
        }
      }
    }
  }
}

/// Thousands of updates: in memory, where the machine has such a place.
inline const bool kInMemory = std::getenv("TMPDIR") == nullptr &&
                              access("/dev/shm", W_OK | X_OK) == 0 &&
                              setenv("TMPDIR", "/dev/shm", 1) == 0;

}  // namespace oldornew::targets

#define OLDORNEW_FAULTY(type, name, parameters, ...)                                              \
  extern "C" type name parameters {                                                               \
    return oldornew::targets::FaultyCalls::Carry(#name,                                           \
                                                 [&] { return static_cast<type>(__VA_ARGS__); }); \
  }

OLDORNEW_FAULTY(ssize_t, write, (int fd, const void* data, size_t size),
                syscall(SYS_write, fd, data, size))
OLDORNEW_FAULTY(int, fsync, (int fd),
                fcntl(fd, F_GETFD) < 0 ? -1 : 0)  // nobody cuts the power of a test
OLDORNEW_FAULTY(int, close, (int fd), syscall(SYS_close, fd))
OLDORNEW_FAULTY(int, fstat, (int fd, struct stat* info) noexcept, syscall(SYS_fstat, fd, info))
OLDORNEW_FAULTY(int, fstatat, (int dir, const char* path, struct stat* info, int flags) noexcept,
                syscall(SYS_newfstatat, dir, path, info, flags))
OLDORNEW_FAULTY(int, fchmod, (int fd, mode_t mode) noexcept, syscall(SYS_fchmod, fd, mode))
OLDORNEW_FAULTY(int, fchown, (int fd, uid_t uid, gid_t gid) noexcept,
                syscall(SYS_fchown, fd, uid, gid))
OLDORNEW_FAULTY(int, flock, (int fd, int operation) noexcept, syscall(SYS_flock, fd, operation))
OLDORNEW_FAULTY(int, unlinkat, (int dir, const char* path, int flags) noexcept,
                syscall(SYS_unlinkat, dir, path, flags))
OLDORNEW_FAULTY(int, mkdirat, (int dir, const char* path, mode_t mode) noexcept,
                syscall(SYS_mkdirat, dir, path, mode))
OLDORNEW_FAULTY(int, symlinkat, (const char* target, int dir, const char* path) noexcept,
                syscall(SYS_symlinkat, target, dir, path))
OLDORNEW_FAULTY(ssize_t, readlinkat,
                (int dir, const char* path, char* buffer, size_t size) noexcept,
                syscall(SYS_readlinkat, dir, path, buffer, size))
OLDORNEW_FAULTY(int, linkat,
                (int from, const char* old_path, int to, const char* new_path, int flags) noexcept,
                syscall(SYS_linkat, from, old_path, to, new_path, flags))
OLDORNEW_FAULTY(int, renameat2,
                (int from, const char* old_path, int to, const char* new_path,
                 unsigned flags) noexcept,
                syscall(SYS_renameat2, from, old_path, to, new_path, flags))
OLDORNEW_FAULTY(ssize_t, getrandom, (void* buffer, size_t size, unsigned flags),
                syscall(SYS_getrandom, buffer, size, flags))

extern "C" int openat(int dir, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return oldornew::targets::FaultyCalls::Carry(
      "openat", [&] { return static_cast<int>(syscall(SYS_openat, dir, path, flags, mode)); });
}
