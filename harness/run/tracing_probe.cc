#include "run/tracing_probe.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

namespace oldornew {
namespace {

// Exit statuses of the traced child. They name the step that failed, because both steps can fail
// with the same errno.
constexpr int kNotTraceable = 1, kNoFilter = 2;

[[noreturn]] void RunTraced() {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNotTraceable);
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };

  const sock_fprog filter = {sizeof program / sizeof *program, program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
    _exit(kNoFilter);
  }

  raise(SIGSTOP);
  syscall(SYS_getppid);
  _exit(0);
}

/// waitpid that continues after EINTR. Returns the status, or -1.
int Wait(pid_t child) {
  int status = -1;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return status;
}

void Kill(pid_t child) {
  kill(child, SIGKILL);
  Wait(child);
}

}  // namespace

Status ProbeTracing() {
  static std::atomic<bool> works = false;
  if (works) return {};

  const pid_t child = fork();
  if (child < 0) return Fail("cannot fork: {}", ErrnoText(errno));
  if (child == 0) RunTraced();

  // The child asks to be traced and stops.
  int status = Wait(child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotTraceable)
    return Fail("tracing a child is not permitted");
  if (WIFEXITED(status)) return Fail("installing a seccomp filter is not permitted");
  if (!WIFSTOPPED(status)) return Fail("tracing a child kills it (signal {})", WTERMSIG(status));

  // It must go on, and stop at the call that its filter chooses.
  if (ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP) != 0 ||
      ptrace(PTRACE_CONT, child, nullptr, nullptr) != 0) {
    const int error = errno;
    Kill(child);
    return Fail("a traced child cannot be controlled: {}", ErrnoText(error));
  }

  status = Wait(child);
  const bool stopped = WIFSTOPPED(status) && status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8);
  if (WIFSTOPPED(status)) Kill(child);
  if (!stopped) return Fail("a traced child does not stop at the calls it should stop at");
  works = true;
  return {};
}

}  // namespace oldornew
