// The inside of the tracer: traced threads and processes, and how a call of theirs gets through the
// funnel.
#pragma once

#include <sched.h>
#include <sys/ptrace.h>
#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "interpose/funnel/seam.h"
#include "interpose/ptrace/arch.h"
#include "interpose/ptrace/fiber.h"
#include "interpose/ptrace/stage.h"
#include "interpose/ptrace/tracer.h"

namespace oldornew::ptrace {

/// What the funnel remembers of one address space (seam.h, Mine).
struct Memory {
  std::vector<uint64_t> state;
  int sharers = 0;  ///< processes
};

/// A traced process: the threads of one group.
struct Process {
  pid_t pid = 0;
  std::shared_ptr<Memory> memory;
  uint32_t threads_made = 0;
  int threads = 0;
  bool shares_descriptors = false;  ///< with another process, or its current directory
  bool staged = false;              ///< the stage is mapped
  bool has_filters = false;         ///< of its own; children and images inherit them
  ~Process() { Leave(); }
  void Leave() {
    if (memory != nullptr) memory->sharers--;
    memory.reset();
  }
};

/// What a thread that makes a call for us is waited for.
enum class Waiting : uint8_t {
  kNothing,
  kFirstStop,  ///< a new thread's
  kExit,       ///< the exit stop of a call
  kLaunch,     ///< its first exec; nothing before is recorded
  kNewImage,   ///< the exit stop of a successful exec
  /// the exec for which it was handed over; it runs under the preload library until then
  kTakeOver,
  kLetGo,  ///< any stop, to be detached from: that exec has failed
};

struct Thread {
  pid_t tid = 0;
  Process* process = nullptr;
  uint32_t number = 0;
  bool strict = false;   ///< in what stands for seccomp's strict mode
  bool filtered = true;  ///< the kernel's filter tells what is to be seen; else every call stops
  Waiting waiting = Waiting::kNothing;

  // While a call of the program is served.
  char* stack = nullptr;
  std::unique_ptr<Fiber> fiber;
  Registers entry;  ///< at the program's call
  long nr = 0;      ///< of it
  long args[6] = {};
  uint64_t call_ip = 0;    ///< of the instruction that made it
  bool executed = false;   ///< it has come to an exit stop since
  bool as_entered = true;  ///< its registers are those of the program's call
  bool masked = false;     ///< we have blocked its signals
  /// the call it makes is the program's, and no signal is kept from it
  bool interruptible = false;
  uint64_t mask = 0;
  /// of the last call it made, as the kernel said (ERESTARTSYS and its kin included)
  long result = 0;

  uint64_t clone_flags = 0;             ///< of the clone that it is in
  std::optional<cpu_set_t> processors;  ///< what it has set itself
  bool enterable = false;  ///< standing by: what it executes goes back to the preload library
  /// A call that comes anew when a signal has been dealt with (seam.h, SignalBefore).
  struct Anew {
    preload::Call call;
    preload::Fault fault;
  };
  std::optional<Anew> anew;
  bool restarts = false;  ///< ... which is the one that is served
  int stop_signal = 0;    ///< SIGSTOP that came while it made calls for us; to be raised again
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Create(const TracerOptions& options);
  ~Engine();

  Status Attach(pid_t child);
  bool Handle(pid_t pid, int status);
  bool Waits() const {
    return !patient_.empty() || (lock_owner_ == nullptr && !lock_waiters_.empty());
  }
  void Poll();

  int door() const { return door_.get(); }
  void AnswerDoor();

  // ---- on a fiber: what the seam asks for
  /// The thread whose call is served now.
  Thread& current() { return *current_; }
  /// Has the current thread make a system call. `program`: it is its own, which signals may
  /// interrupt.
  long MakeCall(long nr, const long (&args)[6], bool program);
  [[noreturn]] void KillCurrent();
  /// Sends a signal to the current thread's process, which dies of it or meets it before the call
  /// that is served; that call then comes anew, with `fault`.
  void SignalFirst(int signal, const preload::Fault& fault);
  /// Gives way until something has happened elsewhere, or a moment has passed.
  void GiveWay();
  void Mask();
  void Unmask();
  void AcquireLock();
  void ReleaseLock();
  bool HoldsLock() const { return lock_owner_ == current_ && lock_owner_ != nullptr; }

  Thread* FindThread(pid_t tid);

 private:
  explicit Engine(const TracerOptions& options) : options_(options) {}

  // Stops.
  void OnStop(Thread& thread, int status);
  void OnSyscallStop(Thread& thread);
  void OnEntry(Thread& thread, const __ptrace_syscall_info& info);
  void OnNewChild(Thread& parent);
  void OnFirstStop(Thread& thread);
  void AdoptOrphans(Thread& parent);
  void OnExec(pid_t pid);
  void OnNewImage(Thread& thread);
  void OnSignal(Thread& thread, int signal);

  Thread& Adopt(pid_t tid, Thread* parent, uint64_t flags);
  void Remove(Thread& thread);
  void Resume(Thread& thread, int signal = 0);

  // Fibers.
  void Serve(Thread& thread, std::function<void()> body);
  void Continue(Thread& thread);
  void Settle(Thread& thread);
  void DropFiber(Thread& thread);
  void Finish(Thread& thread, long result);
  void RunReady();
  void RunPatient();
  bool TryLock();

  // What the entry side of the preload library does in its own way. On a fiber.
  long Dispatch(preload::Call& call);
  long Clone(preload::Call& call);
  long Exec(preload::Call& call);
  long Affinity(preload::Call& call);
  long InstallFilter(preload::Call& call);
  long EnterStrictMode(preload::Call& call);
  static bool ForbiddenByStrictMode(long nr);
  void SkipCall();
  bool MapStage(Thread& thread);

  // Standing by (standby.cc).
  Status OpenDoor();
  void TakeOver(wire::HandOver& entry);
  void LetGo(Thread& thread);
  static void Settle(wire::HandOver& entry, uint32_t state);
  static void ForgetHandOver(pid_t tid);
  /// For an image that the preload library can enter. On a fiber.
  long ExecEnterable(preload::Call& call);
  std::pair<long, long> PlaceEnvironment(const char* const* envp);

  TracerOptions options_;
  std::unique_ptr<Stage> stage_;
  UniqueFd door_;
  char* recording_ = nullptr;
  uint64_t recording_size_ = 0;
  bool pinned_ = false;
  cpu_set_t processors_ = {};
  Thread* current_ = nullptr;
  Thread* lock_owner_ = nullptr;
  std::deque<pid_t> lock_waiters_;
  std::deque<pid_t> ready_;
  std::deque<pid_t> patient_;  ///< to go on when anything has happened, or a little later
  std::deque<std::pair<pid_t, std::function<void()>>> waiting_for_stack_;
  std::unordered_map<pid_t, std::unique_ptr<Thread>> threads_;
  std::unordered_map<pid_t, std::unique_ptr<Process>> processes_;
  std::map<pid_t, int> early_;  ///< children that stopped before their parent's stop reported them
};

/// A number of /proc/TID/status.
int StatusNumber(pid_t tid, const std::string& name, int otherwise);

/// What a traced thread is to stop at, whether or not a filter of ours chooses its calls.
inline constexpr long kTraceOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
                                      PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                                      PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

/// The one of this process.
extern Engine* g_engine;

}  // namespace oldornew::ptrace
