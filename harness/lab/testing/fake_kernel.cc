#include "lab/testing/fake_kernel.h"

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "base/text.h"
#include "interpose/decode.h"
#include "oracle/path_patterns.h"

namespace oldornew::testing {

int NumberOf(const std::string& call) {
  for (int number = 0; number < 512; ++number) {
    if (SyscallName(number) == call) return number;
  }
  CHECK(false);
  return -1;
}

FakeKernel::FakeKernel(const RunSpec& run, const FileTree& old, FakeMachine* machine)
    : run_(run),
      machine_(machine),
      started_(machine->now),
      tree_(old),
      matched_(run.plan.injections.size()) {
  trace_.command = run.command;
  trace_.file_system = "fake";
  trace_.roots = {{"/sandbox", RootRole::kJudged}};
  trace_.old_tree = old;
  for (size_t i = 0; i < old.size(); ++i)
    trace_.objects.push_back({old.at(static_cast<InodeIndex>(i)).kind, {1, i + 1}, -1});
}

Trace FakeKernel::Run(const FakeProgram& program) {
  FakeProcess main(*this, AddProcess(run_.command.front(), -1));
  try {
    trace_.exit_status = RunProcess(main, program);
    Op exit;
    exit.kind = OpKind::kExit;
    exit.call = "exit_group";
    exit.mode = static_cast<uint32_t>(trace_.exit_status);
    Record(0, std::move(exit));
  } catch (const ProcessEnd& end) {
    CHECK(end.of_all);
    trace_.exit_status = end.status;
    trace_.obstacles.push_back({Obstacle::Kind::kIncomplete, "the command did not end in time"});
  }
  trace_.duration_ns = (machine_->now - started_) * 1'000'000;
  trace_.new_tree = tree_;
  CHECK(FindTreeMismatches(trace_).empty());
  return std::move(trace_);
}

int32_t FakeKernel::AddProcess(const std::string& program, int32_t parent) {
  const auto index = static_cast<int32_t>(trace_.processes.size());
  Process process;
  process.pid = static_cast<int32_t>(run_.last_pid) + 1 + index;
  process.parent = parent;
  process.program = "/bin/" + program;
  process.arguments = {program};
  trace_.processes.push_back(std::move(process));
  return index;
}

int FakeKernel::RunProcess(FakeProcess& process, const FakeProgram& program) {
  try {
    return program(process);
  } catch (const ProcessEnd& end) {
    if (end.of_all) throw;
    return end.status;
  }
}

void FakeKernel::Spend(uint64_t milliseconds) {
  machine_->now += milliseconds;
  const auto limit = static_cast<uint64_t>(run_.time_limit.count());
  if (machine_->now - started_ >= limit) throw ProcessEnd{128 + SIGKILL, /*of_all=*/true};
}

void FakeKernel::Record(int32_t process, Op op) {
  op.process = process;
  op.begin = ++ticket_;
  if (op.call.empty()) op.call = OpKindName(op.kind);
  op.end = ++ticket_;
  trace_.ops.push_back(std::move(op));
}

// Counts the call for every injection that it fits; what happens is the first one that is due.
const Injection* FakeKernel::Choose(const FileCall& call, int32_t* index) {
  const Injection* chosen = nullptr;
  for (size_t i = 0; i < run_.plan.injections.size(); ++i) {
    const Injection& injection = run_.plan.injections[i];
    const bool fits =
        std::binary_search(injection.calls.begin(), injection.calls.end(), call.syscall) &&
        (injection.path.empty() || PathPatterns::Matches(injection.path, call.path) ||
         (!call.path2.empty() && PathPatterns::Matches(injection.path, call.path2)));
    if (!fits) continue;

    const uint32_t count = ++matched_[i];
    if (chosen != nullptr || count < injection.first || count > injection.last ||
        (count - injection.first) % injection.step != 0)
      continue;
    const bool too_short = call.requested <= static_cast<uint64_t>(injection.value);
    if (injection.kind == Injection::Kind::kShorten && too_short) continue;
    chosen = &injection;
    *index = static_cast<int32_t>(i);
  }
  return chosen;
}

int64_t FakeKernel::Call(FakeProcess& process, FileCall call,
                         const std::function<FakeEffect(uint64_t bytes)>& effect) {
  using Kind = Injection::Kind;
  Spend(1);
  call.process = process.index_;
  call.syscall = NumberOf(call.call);
  call.begin = ++ticket_;
  const Injection* injection = Choose(call, &call.injection);
  const size_t note = trace_.file_calls.size();
  const bool noted = injection != nullptr || run_.plan.survey;
  if (noted) trace_.file_calls.push_back(call);

  // A process that dies here leaves a call that never came back.
  if (injection != nullptr && !injection->after && injection->signal != 0)
    Deliver(process, injection->signal);
  const bool fails = injection != nullptr && injection->kind == Kind::kFail;
  const bool returns = injection != nullptr && injection->kind == Kind::kReturn;
  // Linux lets go of the descriptor whatever close reports.
  const bool instead = returns || (fails && !injection->after && call.call != "close");
  const bool cut = injection != nullptr && injection->kind == Kind::kShorten;

  FakeEffect will = effect(cut ? static_cast<uint64_t>(injection->value) : call.requested);
  if (!instead && will.error == 0 && will.carry_out) will.carry_out();
  int64_t result = instead ? 0 : will.error != 0 ? -will.error : will.result;
  const int64_t told = fails ? -injection->error : returns ? injection->value : result;
  if (will.op) {
    Op op = *std::move(will.op);
    op.call = call.call;
    op.syscall = call.syscall;
    op.descriptor = call.descriptor;
    op.error = instead ? (returns ? ECANCELED : injection->error) : will.error;
    if (fails && !instead && op.error == 0)
      (op.kind == OpKind::kClose ? op.error : op.told) = injection->error;
    if (instead && op.kind == OpKind::kCreate) op.object = kNoObject;
    if (op.error != 0 && op.kind == OpKind::kWrite) op.length = 0;
    if (op.error != 0) op.size_after = op.size_before;
    if (injection != nullptr) op.flags |= kFlagInjected;
    Record(process.index_, std::move(op));
  }
  if (noted) {
    trace_.file_calls[note].result = result;
    trace_.file_calls[note].told = told;
    trace_.file_calls[note].end = ++ticket_;
  }
  if (injection != nullptr && injection->after && injection->signal != 0)
    Deliver(process, injection->signal);
  return told;
}

void FakeKernel::Deliver(FakeProcess& process, int signal) {
  const auto handler = process.handlers_.find(signal);
  if (signal == SIGKILL || handler == process.handlers_.end())
    throw ProcessEnd{128 + signal, /*of_all=*/false};
  if (handler->second) handler->second();
}

std::optional<ObjectId> FakeKernel::Lookup(const std::string& path) const {
  return tree_.Lookup(path);
}

std::optional<std::pair<ObjectId, std::string>> FakeKernel::Split(const std::string& path) const {
  const size_t slash = path.rfind('/');
  const auto dir = Lookup(slash == std::string::npos ? "" : path.substr(0, slash));
  if (!dir || tree_.at(*dir).kind != FileKind::kDirectory) return std::nullopt;
  return std::pair(*dir, slash == std::string::npos ? path : path.substr(slash + 1));
}

ObjectId FakeKernel::AddObject(const Inode& inode) {
  const ObjectId object = tree_.Add(inode);
  trace_.objects.push_back({inode.kind,
                            {1, static_cast<uint64_t>(object) + 1},
                            static_cast<int32_t>(trace_.ops.size())});
  return object;
}

}  // namespace oldornew::testing
