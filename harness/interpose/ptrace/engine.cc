// Stops: what the kernel tells of traced threads, and what they do next.
#include "interpose/ptrace/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/check.h"
#include "interpose/funnel/recorder.h"
#include "interpose/ptrace/subscriptions.h"

namespace oldornew::ptrace {

Engine* g_engine = nullptr;

namespace {

constexpr int kSyscallStop = SIGTRAP | 0x80;

bool StopsTheGroup(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

}  // namespace

int StatusNumber(pid_t tid, const std::string& name, int otherwise) {
  const Result<std::string> status = ReadFile("/proc/" + std::to_string(tid) + "/status");
  const size_t at = status ? status->find("\n" + name + ":\t") : std::string::npos;
  return at == std::string::npos ? otherwise : atoi(status->c_str() + at + name.size() + 3);
}

namespace {

pid_t EventMessage(pid_t tid) {
  unsigned long message = 0;
  return ::ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0 ? static_cast<pid_t>(message) : -1;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Create(const TracerOptions& options) {
  CHECK(g_engine == nullptr);
  std::unique_ptr<Engine> engine(new Engine(options));
  UniqueFd fd(open(options.recording.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid())
    return Fail("cannot open the recording {}: {}", options.recording, ErrnoText(errno));
  wire::Header start;
  if (pread(fd.get(), &start, sizeof start, 0) != static_cast<ssize_t>(sizeof start) ||
      start.magic != wire::kMagic || start.version != wire::kVersion)
    return Fail("{} is no recording of this version", options.recording);

  // Under a limit of address space a window from the start; what does not fit is reported as
  // overflow.
  constexpr uint64_t kSmallestWindow = uint64_t{16} << 20;
  uint64_t size = start.size;
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  while (base == MAP_FAILED && errno == ENOMEM && size / 2 >= kSmallestWindow) {
    size /= 2;
    base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  }

  if (base == MAP_FAILED) return Fail("cannot map {}: {}", options.recording, ErrnoText(errno));
  engine->recording_ = static_cast<char*>(base);
  engine->recording_size_ = size;
  madvise(base, size, MADV_DONTFORK);
  ASSIGN_OR_RETURN(engine->stage_, Stage::Create(options.recording + ".stage"));
  if (options.pin && options.standby.empty() &&
      sched_getaffinity(0, sizeof engine->processors_, &engine->processors_) == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    engine->pinned_ = sched_setaffinity(0, sizeof one, &one) == 0;
  }

  preload::UseRecording(reinterpret_cast<wire::Header*>(base), size);
  const wire::Header& header = *reinterpret_cast<wire::Header*>(base);
  SubscribeToPlan(header.planned != 0 ? header.planned_calls : nullptr);
  g_engine = engine.get();
  if (!options.standby.empty()) RETURN_IF_ERROR(engine->OpenDoor());
  return engine;
}

Engine::~Engine() {
  if (g_engine == this) {
    g_engine = nullptr;
    preload::UseRecording(nullptr, 0);
  }

  if (door_.valid()) {
    reinterpret_cast<wire::Header*>(recording_)->tracer = 0;
    unlink((options_.recording + wire::kDoor).c_str());
  }

  if (pinned_) sched_setaffinity(0, sizeof processors_, &processors_);
  if (recording_ != nullptr) munmap(recording_, recording_size_);
}

Status Engine::Attach(pid_t child) {
  if (::ptrace(PTRACE_SEIZE, child, 0, kTraceOptions | PTRACE_O_TRACESECCOMP) != 0)
    return Fail("cannot trace: {}", ErrnoText(errno));
  Adopt(child, nullptr, 0).waiting = Waiting::kLaunch;
  return {};
}

Thread* Engine::FindThread(pid_t tid) {
  const auto found = threads_.find(tid);
  return found == threads_.end() ? nullptr : found->second.get();
}

Thread& Engine::Adopt(pid_t tid, Thread* parent, uint64_t flags) {
  auto thread = std::make_unique<Thread>();
  thread->tid = tid;
  thread->waiting = Waiting::kFirstStop;
  if (parent != nullptr) {
    thread->filtered = parent->filtered;
    thread->strict = parent->strict;
    thread->processors = parent->processors;
  }

  thread->clone_flags = flags;
  if (parent != nullptr && (flags & CLONE_THREAD) != 0) {
    thread->process = parent->process;
  } else {
    auto process = std::make_unique<Process>();
    process->pid = tid;
    if (parent == nullptr) {
      process->memory = std::make_shared<Memory>();
    } else {
      Process& from = *parent->process;
      process->memory =
          (flags & CLONE_VM) != 0 ? from.memory : std::make_shared<Memory>(*from.memory);
      process->staged = from.staged;
      process->has_filters = from.has_filters;
      if ((flags & CLONE_VM) == 0) process->memory->sharers = 0;
      process->shares_descriptors = (flags & (CLONE_FILES | CLONE_FS)) != 0;
      from.shares_descriptors = from.shares_descriptors || process->shares_descriptors;
    }
    process->memory->sharers++;
    thread->process = process.get();
    processes_[tid] = std::move(process);
  }

  thread->process->threads++;
  Thread& result = *thread;
  threads_[tid] = std::move(thread);

  return result;
}

void Engine::Remove(Thread& thread) {
  DropFiber(thread);
  Process& process = *thread.process;
  const pid_t tid = thread.tid;
  if (--process.threads == 0) processes_.erase(process.pid);
  threads_.erase(tid);
}

bool Engine::Handle(pid_t pid, int status) {
  if (!WIFSTOPPED(status)) {
    Thread* thread = FindThread(pid);
    const bool only_thread = thread != nullptr && thread->process->pid != pid;
    if (thread != nullptr && thread->waiting == Waiting::kTakeOver) ForgetHandOver(pid);
    early_.erase(pid);
    if (thread != nullptr) {
      AdoptOrphans(*thread);
      Remove(*thread);
    }
    RunPatient();
    return only_thread;
  }

  if (status >> 16 == PTRACE_EVENT_EXEC) {
    OnExec(pid);
  } else if (Thread* thread = FindThread(pid); thread != nullptr) {
    OnStop(*thread, status);
  } else {
    early_[pid] = status;
  }

  RunPatient();

  return true;
}

void Engine::OnStop(Thread& thread, int status) {
  const int signal = WSTOPSIG(status);
  switch (const int event = status >> 16; event) {
    case 0:
      if (signal == kSyscallStop) {
        OnSyscallStop(thread);
      } else {
        OnSignal(thread, signal);
      }
      return;
    case PTRACE_EVENT_SECCOMP:
      OnSyscallStop(thread);
      return;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      OnNewChild(thread);
      Resume(thread);
      return;
    case PTRACE_EVENT_STOP:
      if (thread.waiting == Waiting::kFirstStop) {
        OnFirstStop(thread);
      } else if (thread.waiting == Waiting::kLetGo) {
        LetGo(thread);
      } else if (StopsTheGroup(signal)) {
        ::ptrace(PTRACE_LISTEN, thread.tid, 0, 0);  // stopped, as its parent is told, until SIGCONT
      } else {
        Resume(thread);
      }
      return;
    default:
      Resume(thread);
  }
}

void Engine::OnSyscallStop(Thread& thread) {
  if (thread.waiting == Waiting::kLaunch || thread.waiting == Waiting::kTakeOver) {
    Resume(thread);
    return;
  }

  __ptrace_syscall_info info = {};

  // killed meanwhile
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread.tid, sizeof info, &info) <= 0) return;
  const bool exit = info.op == PTRACE_SYSCALL_INFO_EXIT;
  switch (thread.waiting) {
    case Waiting::kNewImage:
      if (exit) {
        thread.waiting = Waiting::kNothing;
        OnNewImage(thread);
      } else {
        Resume(thread);
      }
      return;
    case Waiting::kExit:
      if (exit) {
        thread.waiting = Waiting::kNothing;
        thread.result = info.exit.rval;
        Continue(thread);
      } else {
        Resume(thread);
      }
      return;
    default:
      if (exit || info.op == PTRACE_SYSCALL_INFO_NONE || !thread.process->staged) {
        Resume(thread);
      } else {
        OnEntry(thread, info);
      }
  }
}

void Engine::OnEntry(Thread& thread, const __ptrace_syscall_info& info) {
  preload::Call call = {};
  call.nr = static_cast<long>(info.entry.nr);
  for (int i = 0; i < 6; ++i) call.args[i] = static_cast<long>(info.entry.args[i]);
  if (thread.strict && ForbiddenByStrictMode(call.nr)) {
    kill(thread.process->pid, SIGKILL);
    return;
  }

  const bool foreign = info.arch != kNativeArchitecture || call.nr >= 0x40000000;
  if (!foreign) {
    uint64_t args[6];
    std::copy(std::begin(info.entry.args), std::end(info.entry.args), args);
    if (!IsSubscribed(call.nr, args)) {
      const auto slot = std::min<uint64_t>(static_cast<uint64_t>(call.nr), wire::kMaxSyscall - 1);
      __atomic_fetch_add(&preload::g_header->calls[slot], 1, __ATOMIC_RELAXED);
      Resume(thread);
      return;
    }
  }

  if (!GetRegisters(thread.tid, &thread.entry)) return;
  call.ip = info.instruction_pointer;
  call.sp = info.stack_pointer;
  call.bp = thread.entry.frame_pointer();
  call.via = wire::Route::kTrace;
  thread.nr = call.nr;
  std::copy(call.args, call.args + 6, thread.args);
  thread.call_ip = call.ip - kCallInstructionSize;
  thread.executed = false;
  thread.as_entered = true;
  preload::Fault fault = {};
  bool again = false;

  // not one that the handler makes
  if (thread.anew && thread.anew->call.nr == call.nr && thread.anew->call.ip == call.ip &&
      thread.anew->call.sp == call.sp) {
    fault = thread.anew->fault;
    again = true;
    thread.anew.reset();
  }

  Serve(thread, [this, &thread, call, foreign, fault, again]() mutable {
    long result = -ENOSYS;
    if (again) call.fault = &fault;
    if (foreign) {
      preload::FunnelUnsupported(call,
                                 "makes system calls by the numbers of 32-bit or x32 programs");
    } else {
      result = Dispatch(call);
    }
    Finish(thread, result);
  });
}

void Engine::OnNewChild(Thread& parent) {
  const pid_t child = EventMessage(parent.tid);
  if (child <= 0) return;
  Thread& thread = Adopt(child, &parent, parent.clone_flags);
  if (const auto early = early_.find(child); early != early_.end()) {
    early_.erase(early);
    OnFirstStop(thread);
  }
}

void Engine::AdoptOrphans(Thread& parent) {
  // Killed before its own stop reported a child of it, which waits for that.
  for (auto child = early_.begin(); child != early_.end();) {
    const pid_t tid = child->first;
    const pid_t parent_pid = StatusNumber(tid, "PPid", 0);
    const bool has_parent = processes_.contains(parent_pid);
    const bool is_thread = StatusNumber(tid, "Tgid", tid) != tid;
    ++child;
    if (is_thread || (has_parent && parent_pid != parent.process->pid)) continue;
    early_.erase(tid);
    OnFirstStop(Adopt(tid, &parent, SIGCHLD));
  }
}

void Engine::OnFirstStop(Thread& thread) {
  thread.waiting = Waiting::kNothing;
  const bool is_thread = thread.process->pid != thread.tid;
  const bool shares = (thread.clone_flags & CLONE_VM) != 0;
  if (!thread.process->staged) {
    Resume(thread);
    return;
  }

  Serve(thread, [this, &thread, is_thread, shares] {
    if (is_thread) {
      preload::FunnelThreadStarted();
    } else {
      preload::FunnelProcessStarted(shares ? preload::StartedBy::kClone
                                           : preload::StartedBy::kFork);
    }
    Resume(thread);
  });
}

void Engine::OnExec(pid_t pid) {
  // All other threads of the process are gone, and the one that executed has the process's number
  // now.
  const pid_t former = EventMessage(pid);
  Thread* thread = FindThread(former);
  if (thread == nullptr) {
    ::ptrace(PTRACE_CONT, pid, 0, 0);
    return;
  }

  if (thread->waiting == Waiting::kTakeOver) ForgetHandOver(former);
  Process& process = *thread->process;
  std::vector<Thread*> gone;
  for (const auto& [tid, other] : threads_) {
    if (other->process == &process && other.get() != thread) gone.push_back(other.get());
  }

  for (Thread* other : gone) Remove(*other);
  if (former != pid) {
    threads_[pid] = std::move(threads_[former]);
    threads_.erase(former);
    thread->tid = pid;
  }

  DropFiber(*thread);
  if (thread->enterable) {
    LetGo(*thread);
    return;
  }

  process.Leave();
  process.memory = std::make_shared<Memory>();
  process.memory->sharers = 1;
  process.staged = false;
  thread->masked = false;
  thread->waiting = Waiting::kNewImage;
  Resume(*thread);
}

void Engine::OnNewImage(Thread& thread) {
  if (!GetRegisters(thread.tid, &thread.entry)) return;
  thread.executed = true;
  thread.as_entered = false;
  thread.call_ip = thread.entry.ip();
  Serve(thread, [this, &thread] {
    preload::MakeRoomFor(preload::g_header->size);
    thread.process->staged = MapStage(thread);
    if (!SetRegisters(thread.tid, thread.entry)) return;
    preload::FunnelProcessStarted(preload::StartedBy::kExec);
    if (!thread.process->staged) {
      preload::FunnelUnsupported({}, "has no room for the recorder at the address it needs");
    }
    Unmask();
    Resume(thread);
  });
}

void Engine::OnSignal(Thread& thread, int signal) {
  if (thread.waiting == Waiting::kExit && thread.interruptible && thread.executed) {
    // It comes before the call that the thread was to make again, at its own instruction. So for
    // the program it comes before the call, which will arrive anew when the handler has returned,
    // if it does.
    DropFiber(thread);
    Registers before = thread.entry;
    before.PrepareCall(thread.call_ip, thread.nr, thread.args);
    SetRegisters(thread.tid, before);
  } else if (thread.waiting == Waiting::kExit && thread.masked && StopsTheGroup(signal)) {
    thread.stop_signal = signal;  // cannot be blocked; the thread stops when our calls are done
    signal = 0;
  }

  Resume(thread, signal);
}

void Engine::Resume(Thread& thread, int signal) {
  const bool to_exit = thread.waiting == Waiting::kExit || thread.waiting == Waiting::kNewImage;
  const bool not_yet = thread.waiting == Waiting::kTakeOver || thread.waiting == Waiting::kLetGo;
  ::ptrace(to_exit || (!thread.filtered && !not_yet) ? PTRACE_SYSCALL : PTRACE_CONT, thread.tid, 0,
           signal);
}

}  // namespace oldornew::ptrace
