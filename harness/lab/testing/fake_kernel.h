// Fake kernel: one run of a fake program: the tree, the plan, the clock, and the trace that becomes
// of it. Only fake_*.cc includes this.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lab/testing/fake_process.h"
#include "run/runner.h"
#include "trace/trace.h"

namespace oldornew::testing {

/// The run goes no further: thrown through the program, and caught by whoever started it.
struct ProcessEnd {
  int status = 0;       ///< as a shell shows it
  bool of_all = false;  ///< the time limit has come
};

/// What one call is about to do.
struct FakeEffect {
  int error = 0;                    ///< errno; then it does nothing
  int64_t result = 0;               ///< without an error
  std::optional<Op> op;             ///< what is recorded of it
  std::function<void()> carry_out;  ///< may be empty
};

class FakeKernel {
 public:
  FakeKernel(const RunSpec& run, const FileTree& old, FakeMachine* machine);

  /// Runs the program as the main process. Once.
  Trace Run(const FakeProgram& program);

  /// One call of `process`. `effect` says what it would do when so many bytes are asked for, and
  /// does nothing itself. Returns what the program is told.
  int64_t Call(FakeProcess& process, FileCall call,
               const std::function<FakeEffect(uint64_t bytes)>& effect);
  /// A new process, to be run by RunProcess.
  int32_t AddProcess(const std::string& program, int32_t parent);
  /// Its exit status as a shell shows it.
  int RunProcess(FakeProcess& process, const FakeProgram& program);

  void Spend(uint64_t milliseconds);
  void Record(int32_t process, Op op);  ///< an op with tickets of its own

  std::optional<ObjectId> Lookup(const std::string& path) const;
  /// The directory and the last name; nullopt: there is no such directory.
  std::optional<std::pair<ObjectId, std::string>> Split(const std::string& path) const;
  ObjectId AddObject(const Inode& inode);

  FileTree& tree() { return tree_; }
  Trace& trace() { return trace_; }
  FakeMachine& machine() { return *machine_; }

 private:
  const Injection* Choose(const FileCall& call, int32_t* index);
  void Deliver(FakeProcess& process, int signal);

  const RunSpec& run_;
  FakeMachine* machine_;
  uint64_t started_;
  Trace trace_;
  FileTree tree_;
  std::vector<uint32_t> matched_;  ///< for each injection: calls that it fitted
  uint64_t ticket_ = 0;
};

/// The number of a system call on this machine.
int NumberOf(const std::string& call);

}  // namespace oldornew::testing
