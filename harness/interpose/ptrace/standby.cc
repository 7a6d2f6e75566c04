// Standing by for the preload library: it hands over what it cannot enter, and gets back what it
// can.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "interpose/funnel/memory.h"
#include "interpose/funnel/recorder.h"
#include "interpose/launch.h"
#include "interpose/ptrace/engine.h"

namespace oldornew::ptrace {
namespace {

constexpr std::string_view kOurs = "OLDORNEW_", kPreload = "LD_PRELOAD=";
constexpr size_t kMostVariables = size_t{1} << 20;

std::string_view NameOf(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

/// The program's environment with what starts the library, as Exec of the library builds it.
std::vector<std::string> Doctored(std::vector<std::string> environment,
                                  const std::vector<std::string>& ours,
                                  const std::string& recording, bool has_filters) {
  std::string library;
  std::vector<std::string> kept;
  for (const std::string& variable : ours) {
    if (variable.starts_with(kPreload))
      library = variable.substr(kPreload.size(),
                                variable.find_first_of(": ", kPreload.size()) - kPreload.size());
    if (variable.starts_with(kOurs) && !variable.starts_with(wire::kRecordingVariable))
      kept.push_back(variable);
  }

  if (has_filters) kept.push_back(wire::kUnderFilter);
  for (const std::string& variable : kept) {
    std::erase_if(environment,
                  [&](const std::string& other) { return NameOf(other) == NameOf(variable); });
  }

  environment.insert(environment.end(), kept.begin(), kept.end());

  return PreloadEnvironment(std::move(environment), library, recording);
}

/// The program's envp. False: it cannot be read, and the kernel shall say so itself.
bool ReadEnvironment(const char* const* envp, std::vector<std::string>* environment) {
  for (size_t i = 0; envp != nullptr && i < kMostVariables; ++i) {
    const char* variable = nullptr;
    if (preload::CopyIn(&variable, envp + i) != 0) return false;
    if (variable == nullptr) break;
    const long length = preload::LengthOfString(variable, size_t{1} << 21);
    if (length < 0) return false;
    std::string text(static_cast<size_t>(length), 0);
    if (preload::CopyIn(text.data(), variable, text.size()) != 0) return false;
    environment->push_back(std::move(text));
  }

  return true;
}

/// Pointers and strings as they will stand at `address`.
std::string Block(const std::vector<std::string>& environment, uint64_t address) {
  std::string pointers, strings;
  const uint64_t text = address + (environment.size() + 1) * sizeof(uint64_t);
  for (const std::string& variable : environment) {
    const uint64_t at = text + strings.size();
    pointers.append(reinterpret_cast<const char*>(&at), sizeof at);
    strings.append(variable.c_str(), variable.size() + 1);
  }

  pointers.append(sizeof(uint64_t), 0);
  return pointers + strings;
}

}  // namespace

Status Engine::OpenDoor() {
  const std::string path = options_.recording + wire::kDoor;
  if (mkfifo(path.c_str(), 0666) != 0) return Fail("cannot make {}: {}", path, ErrnoText(errno));
  chmod(path.c_str(), 0666);
  door_.Reset(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!door_.valid()) return Fail("cannot open {}: {}", path, ErrnoText(errno));
  __atomic_store_n(&preload::g_header->tracer, static_cast<uint32_t>(getpid()), __ATOMIC_RELEASE);
  return {};
}

void Engine::Settle(wire::HandOver& entry, uint32_t state) {
  __atomic_store_n(&entry.state, state, __ATOMIC_RELEASE);
  if (state == 0) __atomic_store_n(&entry.thread, 0, __ATOMIC_RELEASE);
  syscall(SYS_futex, &entry.state, FUTEX_WAKE, 1, nullptr);
}

void Engine::ForgetHandOver(pid_t tid) {
  for (wire::HandOver& entry : preload::g_header->hand_overs) {
    if (entry.thread == static_cast<uint32_t>(tid)) Settle(entry, 0);
  }
}

void Engine::AnswerDoor() {
  char knocks[64];
  while (read(door_.get(), knocks, sizeof knocks) > 0) {
  }

  for (wire::HandOver& entry : preload::g_header->hand_overs) {
    const uint32_t state = __atomic_load_n(&entry.state, __ATOMIC_ACQUIRE);
    if (state == wire::kAsked) TakeOver(entry);
    Thread* thread =
        state == wire::kFailed ? FindThread(static_cast<pid_t>(entry.thread)) : nullptr;
    if (thread == nullptr || thread->waiting != Waiting::kTakeOver) continue;
    thread->waiting = Waiting::kLetGo;
    ::ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0);
  }
}

void Engine::TakeOver(wire::HandOver& entry) {
  const auto tid = static_cast<pid_t>(entry.thread);
  if (FindThread(tid) != nullptr || ::ptrace(PTRACE_SEIZE, tid, 0, kTraceOptions) != 0) {
    Settle(entry, wire::kRefused);
    return;
  }

  Thread& thread = Adopt(tid, nullptr, 0);
  thread.waiting = Waiting::kTakeOver;
  thread.filtered = false;
  thread.process->has_filters = StatusNumber(tid, "Seccomp", 0) != 0;
  if (const pid_t group = StatusNumber(tid, "Tgid", tid); group != tid) {
    auto process = std::move(processes_[tid]);
    processes_.erase(tid);
    process->pid = group;
    processes_[group] = std::move(process);
  }

  uint32_t asked = wire::kAsked;
  if (__atomic_compare_exchange_n(&entry.state, &asked, wire::kTaken, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_RELAXED)) {
    Settle(entry, wire::kTaken);
  } else {  // it has not waited so long
    thread.waiting = Waiting::kLetGo;
    ::ptrace(PTRACE_INTERRUPT, tid, 0, 0);
  }
}

void Engine::LetGo(Thread& thread) {
  const pid_t tid = thread.tid;
  ForgetHandOver(tid);
  Remove(thread);
  ::ptrace(PTRACE_DETACH, tid, 0, 0);
}

/// Puts the environment with which the library starts into the program's memory. Where (0: nowhere)
/// and how large.
std::pair<long, long> Engine::PlaceEnvironment(const char* const* envp) {
  std::vector<std::string> environment;
  if (!ReadEnvironment(envp, &environment)) return {0, 0};
  environment = Doctored(std::move(environment), options_.standby, options_.recording,
                         current_->process->has_filters);
  const long size = static_cast<long>(Block(environment, 0).size());
  const long at = MakeCall(
      SYS_mmap, {0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}, false);
  if (at < 0 && at >= -4095) return {0, 0};
  const std::string block = Block(environment, static_cast<uint64_t>(at));
  preload::CopyOut(reinterpret_cast<void*>(at), block.data(), block.size());
  return {at, size};
}

long Engine::ExecEnterable(preload::Call& call) {
  Thread& thread = *current_;
  long& envp = call.args[call.nr == SYS_execveat ? 3 : 2];

  // Nothing of ours is on this fiber when the exec succeeds and it is dropped.
  const auto [memory, size] = PlaceEnvironment(reinterpret_cast<const char* const*>(envp));
  if (memory != 0) envp = memory;
  Unmask();
  thread.enterable = true;
  const long result = preload::CarryOut(call);
  thread.enterable = false;
  if (memory != 0) MakeCall(SYS_munmap, {memory, size}, false);
  preload::FunnelExecFailed(static_cast<int>(-result));
  return result;
}

}  // namespace oldornew::ptrace
