// Masks, dispositions, handlers, alternate stacks.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "interpose/testing/cases.h"

namespace oldornew::testing {
namespace {

volatile sig_atomic_t hits;
int null_fd = -1;

void CallingHandler(int) {
  const int error = errno;
  if (WriteNull()) hits = hits + 1;
  errno = error;
}

void Install(int signal, void (*handler)(int), int flags) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigfillset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

void EverySignalBlocked() {
  sigset_t all, old, now;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &old);
  Say("write: %d", WriteNull());
  for (int signal = 1; signal <= 64; ++signal) {
    if (signal == SIGSYS) continue;  // always reported as not blocked
    sigprocmask(SIG_SETMASK, nullptr, &now);
    Say("%d blocked: %d", signal, sigismember(&now, signal));
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    sigprocmask(SIG_UNBLOCK, &one, nullptr);
    sigprocmask(SIG_BLOCK, nullptr, &now);
    Say("%d blocked after unblock: %d", signal, sigismember(&now, signal));
  }
  sigprocmask(SIG_SETMASK, &old, nullptr);
}

void MaskErrors() {
  uint64_t set = 0;
  long* bad = reinterpret_cast<long*>(8);
  for (const int how : {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, 77, -1}) {
    Say("how %d", how);
    SayResult("set", syscall(SYS_rt_sigprocmask, how, &set, nullptr, 8L));
    SayResult("no set", syscall(SYS_rt_sigprocmask, how, nullptr, &set, 8L));
  }
  SayResult("size 4", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, nullptr, 4L));
  SayResult("bad set", syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, nullptr, 8L));
  SayResult("bad old", syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, bad, 8L));
  for (const int signal : {0, 1, SIGKILL, SIGSTOP, SIGSYS, 64, 65, 1000, -1}) {
    Say("signal %d", signal);
    SayResult("bad", syscall(SYS_rt_sigaction, signal, bad, nullptr, 8L));
    SayResult("bad old", syscall(SYS_rt_sigaction, signal, nullptr, bad, 8L));
    SayResult("size", syscall(SYS_rt_sigaction, signal, nullptr, nullptr, 16L));
  }
  SayResult("altstack bad", syscall(SYS_sigaltstack, bad, nullptr));
  SayResult("altstack bad old", syscall(SYS_sigaltstack, nullptr, bad));
}

void ActionReadback() {
  for (int signal = 1; signal <= 64; ++signal) {
    struct {
      void (*handler)(int);
      unsigned long flags;
      void* restorer;
      uint64_t mask;
    } set = {CallingHandler, SA_RESTART | 0x04000000ul, reinterpret_cast<void*>(0x1234), ~0ul},
      got = {};
    const long result = syscall(SYS_rt_sigaction, signal, &set, nullptr, 8L);
    syscall(SYS_rt_sigaction, signal, nullptr, &got, 8L);
    Say("%d: %ld same handler %d flags %lx restorer %p mask %lx", signal, result,
        got.handler == set.handler, got.flags, got.restorer, got.mask);
    set.handler = SIG_DFL;
    set.mask = 0;
    syscall(SYS_rt_sigaction, signal, &set, &got, 8L);
    Say("%d: replaced handler %d mask %lx", signal, got.handler == CallingHandler, got.mask);
  }
}

void HandlerMakesCalls() {
  for (const int flags : {0, SA_RESTART, SA_NODEFER, static_cast<int>(SA_RESETHAND)}) {
    Install(SIGUSR1, CallingHandler, flags);
    for (int i = 0; i < 100; ++i) {
      if ((flags & static_cast<int>(SA_RESETHAND)) != 0) Install(SIGUSR1, CallingHandler, flags);
      raise(SIGUSR1);
    }
    Say("flags %x: %d", static_cast<unsigned>(flags), hits);
  }
  struct sigaction now;
  sigaction(SIGUSR1, nullptr, &now);
  Say("reset: %d", now.sa_handler == SIG_DFL);
}

char* alternate;
size_t alternate_size;

bool IsOnAlternate(const void* address) {
  return address >= alternate && address < alternate + alternate_size;
}

void UseAlternate(size_t size) {
  alternate_size = size;
  alternate = static_cast<char*>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  stack_t stack = {}, old = {};
  stack.ss_sp = alternate;
  stack.ss_size = size;
  SayResult("set", sigaltstack(&stack, &old));
  Say("old flags %d", old.ss_flags);
}

void LookAtAlternate(int) {
  char here;
  stack_t now, next = {};
  next.ss_flags = SS_DISABLE;
  SayResult("look", sigaltstack(nullptr, &now));
  Say("on it: %d, flags %d, same %d", IsOnAlternate(&here), now.ss_flags, now.ss_sp == alternate);
  if (IsOnAlternate(&here)) SayResult("change", sigaltstack(&next, nullptr));
  CallingHandler(0);
}

void AlternateStack() {
  for (const size_t size : {65536, 32768, 16384}) {
    UseAlternate(size);
    Install(SIGUSR2, LookAtAlternate, SA_ONSTACK);
    raise(SIGUSR2);
    Install(SIGUSR2, LookAtAlternate, 0);
    raise(SIGUSR2);
    Say("hits %d", hits);
    stack_t stack = {}, old = {};
    sigaltstack(nullptr, &old);
    Say("still: %d size %zu flags %d", old.ss_sp == alternate, old.ss_size, old.ss_flags);
    stack.ss_flags = SS_DISABLE;
    SayResult("disable", sigaltstack(&stack, nullptr));
    sigaltstack(nullptr, &old);
    Say("disabled: flags %d", old.ss_flags);
  }
  stack_t tiny = {};
  tiny.ss_sp = alternate;
  tiny.ss_size = 100;
  SayResult("tiny", sigaltstack(&tiny, nullptr));
  tiny.ss_flags = 99;
  SayResult("flags", sigaltstack(&tiny, nullptr));
}

void WriteOnAlternate(int) {
  char here;
  if (IsOnAlternate(&here) && write(null_fd, "x", 1) == 1) hits = hits + 1;
}

/// 8 KiB is what SIGSTKSZ was for decades, and what Rust's runtime uses.
void SmallAlternateStack() {
  null_fd = open("/dev/null", O_WRONLY);
  UseAlternate(8192);
  Install(SIGUSR2, WriteOnAlternate, SA_ONSTACK);
  for (int i = 0; i < 100; ++i) raise(SIGUSR2);
  Say("hits %d", hits);
}

/// A handler on the alternate stack that interrupts a blocked call.
void AlternateStackInBlockedCall() {
  null_fd = open("/dev/null", O_WRONLY);
  int fds[2];
  if (pipe(fds) != 0) return;
  UseAlternate(65536);
  Install(SIGALRM, WriteOnAlternate, SA_ONSTACK);
  for (int i = 0; i < 20; ++i) {
    // Again and again: on a busy machine the first may come before the call that it is to
    // interrupt.
    const itimerval timer = {{0, 2000}, {0, 2000}};
    setitimer(ITIMER_REAL, &timer, nullptr);
    char c;
    SayResult("read", read(fds[0], &c, 1));
  }
  const itimerval off = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &off, nullptr);
  Say("hits %d", hits >= 20);
}

void SigsysBelongsToTheProgram() {
  struct sigaction now;
  sigaction(SIGSYS, nullptr, &now);
  Say("default: %d", now.sa_handler == SIG_DFL);
  signal(SIGSYS, SIG_IGN);
  sigaction(SIGSYS, nullptr, &now);
  Say("ignored: %d", now.sa_handler == SIG_IGN);
  kill(getpid(), SIGSYS);
  Install(SIGSYS, CallingHandler, 0);
  sigaction(SIGSYS, nullptr, &now);
  Say("handler: %d", now.sa_handler == CallingHandler);
  raise(SIGSYS);
  Say("hits %d", hits);
  signal(SIGSYS, SIG_DFL);
  const pid_t child = fork();
  if (child == 0) {
    raise(SIGSYS);
    _exit(9);
  }
  SayEnd("killed by SIGSYS", child);
}

void AnswerTrap(int, siginfo_t* info, void* context) {
  hits = hits + 1;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] =
      info->si_syscall == SYS_getppid ? 4711 : -ENOSYS;
}

/// A program that emulates a system call with a filter of its own.
void OwnTrappingFilter() {
  struct sigaction action = {};
  action.sa_sigaction = AnswerTrap;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  sock_filter filter[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                          {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getppid},
                          {BPF_RET, 0, 0, SECCOMP_RET_TRAP},
                          {BPF_RET, 0, 0, SECCOMP_RET_ALLOW}};
  sock_fprog program = {4, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  SayResult("filter", prctl(PR_SET_SECCOMP, 2, &program));
  const int parent = getppid();
  Say("getppid: %d, hits %d", parent, hits);
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGSYS, SIG_DFL);
    getppid();
    _exit(9);
  }
  SayEnd("unhandled trap", child);
}

void SayFault(int signal, siginfo_t* info, void*) {
  Say("signal %d code %d at %p", signal, info->si_code, info->si_addr);
  _exit(17);
}

void Faults() {
  pid_t child = fork();
  if (child == 0) {
    struct sigaction action = {};
    action.sa_sigaction = SayFault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    *reinterpret_cast<volatile int*>(64) = 1;
  }
  SayEnd("handled fault", child);
  child = fork();
  if (child == 0) *reinterpret_cast<volatile int*>(64) = 1;
  SayEnd("fault", child);
  child = fork();
  if (child == 0) abort();
  SayEnd("abort", child);
  child = fork();
  if (child == 0) __builtin_trap();
  SayEnd("trap", child);
}

void SignalDescriptor() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  const int fd = signalfd(-1, &all, SFD_CLOEXEC);
  for (const int signal : {SIGUSR1, SIGTERM, 34, 64}) {
    raise(signal);
    signalfd_siginfo info = {};
    const ssize_t size = read(fd, &info, sizeof info);
    Say("%d: %zd %u", signal, size, info.ssi_signo);
    raise(signal);
    siginfo_t waited;
    SayResult("sigwaitinfo", sigwaitinfo(&all, &waited));
    const timespec zero = {};
    SayResult("sigtimedwait", sigtimedwait(&all, &waited, &zero));
  }
}

sigjmp_buf back;
void JumpBack(int) { siglongjmp(back, 1); }

void JumpOutOfHandlers() {
  int fds[2];
  if (pipe(fds) != 0) return;
  volatile int jumps = 0;
  signal(SIGALRM, JumpBack);
  while (jumps < 200) {
    const itimerval timer = {{0, 0}, {0, 300}};
    char c;
    if (sigsetjmp(back, 1) == 0) {
      setitimer(ITIMER_REAL, &timer, nullptr);
      if (read(fds[0], &c, 1) >= 0) Say("not reached");
    } else {
      jumps = jumps + 1;
    }
  }
  Say("enough jumps %d, write %d", jumps >= 200, WriteNull());
}

/// Signals at every instruction: the handler opens, writes and closes while the main line does the
/// same and renames.
void SignalStorm() {
  char directory[] = "/tmp/oldornew-storm-XXXXXX";
  if (mkdtemp(directory) == nullptr || chdir(directory) != 0) return;
  Install(SIGALRM, CallingHandler, SA_RESTART);
  const itimerval timer = {{0, 500}, {0, 500}}, off = {};
  setitimer(ITIMER_REAL, &timer, nullptr);
  int done = 0;
  for (int i = 0; i < 3000; ++i) {
    const int fd = open("a", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd >= 0 && write(fd, "hello", 5) == 5 && close(fd) == 0 && rename("a", "b") == 0) ++done;
  }
  setitimer(ITIMER_REAL, &off, nullptr);
  unlink("b");
  chdir("/");
  Say("done %d, rmdir %d, interrupted %d", done, rmdir(directory), hits > 3);
}

/// Handlers that jump out of the middle of file calls must leave nothing locked and nothing broken.
void JumpStorm() {
  char directory[] = "/tmp/oldornew-storm-XXXXXX";
  if (mkdtemp(directory) == nullptr || chdir(directory) != 0) return;
  Install(SIGALRM, JumpBack, SA_NODEFER);
  const itimerval timer = {{0, 400}, {0, 400}}, off = {};
  volatile int jumps = 0, done = 0;
  setitimer(ITIMER_REAL, &timer, nullptr);
  if (sigsetjmp(back, 1) != 0) jumps = jumps + 1;
  while (jumps < 500) {
    const int fd = open("a", O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd >= 0 && write(fd, "hello", 5) == 5) done = done + 1;
    if (fd >= 0) close(fd);
    if (fd > 900) closefrom(10);
    rename("a", "b");
  }
  setitimer(ITIMER_REAL, &off, nullptr);
  unlink("a");
  unlink("b");
  chdir("/");
  Say("enough jumps %d, progress %d, rmdir %d", jumps >= 500, done > 0, rmdir(directory));
}

}  // namespace

const TortureCase kSignalCases[] = {
    {"every-signal-blocked", EverySignalBlocked},
    {"mask-errors", MaskErrors},
    {"action-readback", ActionReadback},
    {"handler-makes-calls", HandlerMakesCalls},
    {"alternate-stack", AlternateStack},
    {"small-alternate-stack", SmallAlternateStack},
    {"alternate-stack-in-blocked-call", AlternateStackInBlockedCall},
    {"sigsys-belongs-to-the-program", SigsysBelongsToTheProgram},
    {"own-trapping-filter", OwnTrappingFilter},
    {"faults", Faults},
    {"signal-descriptor", SignalDescriptor},
    {"jump-out-of-handlers", JumpOutOfHandlers},
    {"signal-storm", SignalStorm},
    {"jump-storm", JumpStorm},
    {nullptr, nullptr}};

}  // namespace oldornew::testing
