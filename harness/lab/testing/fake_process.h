// Fake process: what a fake program works with (fake_lab.h). Each call looks at the run's plan as
// the funnel does (interpose/plan.h, funnel/faults.cc) and changes a tree in memory. It is noted as
// an op and, in a survey or where something was injected, as a file call.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oldornew::testing {

class FakeKernel;
class FakeProcess;

/// What it returns is its exit status. It must do the same in each run from the same tree, but for
/// what Random() and Now() give.
using FakeProgram = std::function<int(FakeProcess&)>;

/// What goes on from run to run.
struct FakeMachine {
  uint64_t now = 1'000'000;  ///< milliseconds
  uint64_t randoms = 0;      ///< names that were given out
};

/// One process of a run. Paths are relative to the judged directory, which is "." itself; there are
/// no symlinks. Calls give what the system call gives, or -errno.
class FakeProcess {
 public:
  FakeProcess(FakeKernel& kernel, int32_t index) : kernel_(kernel), index_(index) {}

  int Open(const std::string& path, uint32_t flags, uint32_t mode = 0644);
  int64_t Write(int descriptor, std::string_view bytes);
  int64_t Read(int descriptor, std::string* bytes, uint64_t most = 65'536);
  int Fsync(int descriptor);
  int Close(int descriptor);
  int Rename(const std::string& from, const std::string& to);
  int Unlink(const std::string& path);
  int Mkdir(const std::string& path);
  bool Exists(const std::string& path);  ///< stat
  /// Names in the judged directory, in byte order. One getdents64, whose error shows as no names.
  std::vector<std::string> List();

  /// Runs `program` to its end, in a process of its own that inherits the descriptors. Returns the
  /// exit status as a shell shows it.
  int Child(const std::string& name, const FakeProgram& program);
  /// `handler` empty: the signal is ignored.
  void OnSignal(int signal, std::function<void()> handler);
  [[noreturn]] void Exit(int status);

  void Print(std::string_view text);  ///< to standard output
  void Say(std::string_view text);    ///< to standard error
  std::string Random();               ///< six letters, others each time
  uint64_t Now() const;               ///< milliseconds, by a clock that goes on between runs
  void Sleep(uint64_t milliseconds);

 private:
  friend class FakeKernel;
  struct OpenFile {
    int32_t object = -1;
    uint32_t flags = 0;
    uint64_t offset = 0;
    std::string path;
  };
  const OpenFile* Find(int descriptor) const;

  FakeKernel& kernel_;
  int32_t index_;  ///< into Trace::processes
  std::map<int, OpenFile> open_;
  std::map<int, std::function<void()>> handlers_;
};

}  // namespace oldornew::testing
