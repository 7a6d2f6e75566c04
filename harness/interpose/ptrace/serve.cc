// Fibers of the tracer: a call of the program on its way through the funnel.
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "interpose/funnel/recorder.h"
#include "interpose/ptrace/engine.h"

namespace oldornew::ptrace {
namespace {

// What the kernel leaves in the result's register for itself when a signal interrupts a call
// (include/linux/errno.h of the kernel): the call is made again, or becomes EINTR, when the signal
// has been dealt with.
constexpr long kRestartSys = 512;
constexpr long kRestartBlock = 516;

bool WillRestart(long result) {
  return result <= -kRestartSys && result >= -kRestartBlock && result != -515;
}

uint32_t* LockWord() { return &preload::g_header->lock; }

}  // namespace

void Engine::Serve(Thread& thread, std::function<void()> body) {
  thread.stack = stage_->TakeStack();
  if (thread.stack == nullptr) {
    waiting_for_stack_.emplace_back(thread.tid, std::move(body));
    return;
  }

  thread.fiber = std::make_unique<Fiber>(thread.stack, Stage::kStackSize);
  current_ = &thread;
  thread.fiber->Run(std::move(body));
  Settle(thread);
}

void Engine::Continue(Thread& thread) {
  CHECK(thread.fiber != nullptr);
  current_ = &thread;
  thread.fiber->Resume();
  Settle(thread);
}

void Engine::Settle(Thread& thread) {
  current_ = nullptr;
  if (thread.fiber != nullptr && thread.fiber->ended()) DropFiber(thread);
}

void Engine::DropFiber(Thread& thread) {
  if (thread.fiber == nullptr) return;
  if (lock_owner_ == &thread) {
    current_ = &thread;
    ReleaseLock();
    current_ = nullptr;
  }

  std::erase(lock_waiters_, thread.tid);
  std::erase(ready_, thread.tid);
  std::erase(patient_, thread.tid);
  thread.fiber.reset();
  stage_->ReturnStack(thread.stack);
  thread.stack = nullptr;
  thread.waiting = Waiting::kNothing;
}

void Engine::RunReady() {
  for (;;) {
    Thread* thread = nullptr;
    if (!ready_.empty()) {
      thread = FindThread(ready_.front());
      ready_.pop_front();
      if (thread != nullptr) Continue(*thread);
    } else if (!waiting_for_stack_.empty() && stage_->HasStack()) {
      auto [tid, body] = std::move(waiting_for_stack_.front());
      waiting_for_stack_.pop_front();
      if (thread = FindThread(tid); thread != nullptr) Serve(*thread, std::move(body));
    } else {
      return;
    }
  }
}

void Engine::Poll() {
  RunPatient();
  if (lock_owner_ == nullptr && !lock_waiters_.empty()) {
    ready_.push_back(lock_waiters_.front());
    lock_waiters_.pop_front();
    RunReady();
  }
}

void Engine::RunPatient() {
  ready_.insert(ready_.end(), patient_.begin(), patient_.end());
  patient_.clear();
  RunReady();
}

void Engine::GiveWay() {
  patient_.push_back(current_->tid);
  current_->fiber->Yield();
}

long Engine::MakeCall(long nr, const long (&args)[6], bool program) {
  Thread& thread = *current_;

  // Under filters of the program's own, our calls come from the page that these let through.
  if (!program && !thread.executed && thread.filtered && thread.process->has_filters) SkipCall();
  if (thread.executed && (!program || HoldsLock())) Mask();
  const uint64_t ip = program || !thread.process->staged ? thread.call_ip : Stage::kAddress;
  for (int attempt = 0;; ++attempt) {
    if (!thread.executed) {
      const bool same = nr == thread.nr && std::equal(args, args + 6, thread.args);
      if (!same) {
        thread.as_entered = false;
        ReplaceCall(thread.tid, thread.entry, nr, args, 0);
      }
    } else {
      Registers next = thread.entry;
      next.PrepareCall(ip, nr, args);
      SetRegisters(thread.tid, next);
      thread.as_entered = false;
    }
    thread.interruptible = program && !thread.masked;
    thread.waiting = Waiting::kExit;
    Resume(thread);
    thread.fiber->Yield();
    thread.executed = true;
    if (!WillRestart(thread.result)) return thread.result;
    if (!thread.masked || attempt > 100) return -EINTR;
  }
}

/// From the entry stop to the exit stop with nothing done.
void Engine::SkipCall() {
  Thread& thread = *current_;
  ReplaceCall(thread.tid, thread.entry, -1, thread.args, 0);
  thread.as_entered = false;
  thread.interruptible = false;
  thread.waiting = Waiting::kExit;
  Resume(thread);
  thread.fiber->Yield();
  thread.executed = true;
}

void Engine::KillCurrent() {
  kill(current_->process->pid, SIGKILL);
  for (;;) current_->fiber->Yield();  // its end will be reported, and this fiber dropped
}

void Engine::SignalFirst(int signal, const preload::Fault& fault) {
  if (signal == SIGKILL) KillCurrent();
  Thread& thread = *current_;
  preload::Call call = {thread.nr,         {}, thread.call_ip + kCallInstructionSize,
                        thread.entry.sp(), 0,  wire::Route::kTrace};
  thread.anew = {call, fault};
  thread.restarts = true;
  kill(current_->process->pid, signal);  // pending until the thread runs on
}

void Engine::Mask() {
  Thread& thread = *current_;
  if (thread.masked) return;
  const uint64_t all = ~uint64_t{0};
  if (::ptrace(PTRACE_GETSIGMASK, thread.tid, sizeof thread.mask, &thread.mask) != 0) return;
  thread.masked = ::ptrace(PTRACE_SETSIGMASK, thread.tid, sizeof all, &all) == 0;
}

void Engine::Unmask() {
  Thread& thread = *current_;
  if (!thread.masked) return;
  thread.masked = false;
  ::ptrace(PTRACE_SETSIGMASK, thread.tid, sizeof thread.mask, &thread.mask);
}

bool Engine::TryLock() {
  const auto me = static_cast<uint32_t>(gettid());
  uint32_t expected = 0;
  if (__atomic_compare_exchange_n(LockWord(), &expected, me, false, __ATOMIC_ACQUIRE,
                                  __ATOMIC_RELAXED))
    return true;
  if (syscall(SYS_futex, LockWord(), FUTEX_TRYLOCK_PI, 0, nullptr) == 0) return true;
  if (errno != ESRCH) return false;

  // Its owner died and nobody waited for it in the kernel.
  uint32_t word = __atomic_load_n(LockWord(), __ATOMIC_RELAXED);
  return word != 0 && __atomic_compare_exchange_n(LockWord(), &word, me | (word & FUTEX_WAITERS),
                                                  false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void Engine::AcquireLock() {
  Thread& thread = *current_;
  while (lock_owner_ != nullptr || !TryLock()) {
    lock_waiters_.push_back(thread.tid);
    thread.fiber->Yield();
  }
  lock_owner_ = &thread;
}

void Engine::ReleaseLock() {
  auto me = static_cast<uint32_t>(gettid());
  if (!__atomic_compare_exchange_n(LockWord(), &me, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
    syscall(SYS_futex, LockWord(), FUTEX_UNLOCK_PI, 0, nullptr);
  lock_owner_ = nullptr;
  Unmask();
  if (lock_waiters_.empty()) return;
  ready_.push_back(lock_waiters_.front());
  lock_waiters_.pop_front();
}

void Engine::Finish(Thread& thread, long result) {
  Unmask();
  if (std::exchange(thread.restarts, false)) {
    if (!thread.executed) SkipCall();
    Registers before = thread.entry;
    before.PrepareCall(thread.call_ip, thread.nr, thread.args);
    SetRegisters(thread.tid, before);
  } else if (!thread.executed) {
    ReplaceCall(thread.tid, thread.entry, -1, thread.args, result);
  } else {
    long raw = result;
    // The kernel shall do about an interrupted call what it does without us.
    if (result == -EINTR && WillRestart(thread.result))
      raw = thread.as_entered ? thread.result : -kRestartSys;
    if (!thread.as_entered || raw != thread.result) {
      Registers after = thread.entry;
      after.SetResult(raw);
      SetRegisters(thread.tid, after);
    }
  }

  if (thread.stop_signal != 0) {
    syscall(SYS_tgkill, thread.process->pid, thread.tid, thread.stop_signal);
    thread.stop_signal = 0;
  }

  thread.waiting = Waiting::kNothing;
  Resume(thread);
}

}  // namespace oldornew::ptrace
