// What is not the funnel's business: processes, images, processors. The counterpart of
// preload/dispatch.cc, clone.cc and exec.cc; there is little to do here, since the kernel does for
// us what those have to do by hand.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "interpose/funnel/memory.h"
#include "interpose/funnel/recorder.h"
#include "interpose/funnel/stack.h"
#include "interpose/image.h"
#include "interpose/ptrace/engine.h"

namespace oldornew::preload {
void RecordModules();  // funnel/handlers.h
}

namespace oldornew::ptrace {
namespace {

using preload::Call;

/// Calls at which nobody will ask for the stack: no reason to read the list of modules again.
bool NeedsNoModules(long nr) {
  switch (nr) {
    case SYS_mmap:
    case SYS_munmap:
    case SYS_mprotect:
    case SYS_pkey_mprotect:
    case SYS_mremap:
    case SYS_prlimit64:
    case SYS_close:
    case SYS_fcntl:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_exit:
    case SYS_exit_group:
      return true;
    default:
      return false;
  }
}

struct Caller {
  long operator()(long nr, long a, long b, long c, long d, long e) const {
    return preload::GateSyscall(nr, a, b, c, d, e, 0);
  }
};

}  // namespace

long Engine::Dispatch(Call& call) {
  switch (call.nr) {
#ifdef SYS_fork
    case SYS_fork:
    case SYS_vfork:
#endif
    case SYS_clone:
    case SYS_clone3:
      return Clone(call);
    case SYS_execve:
    case SYS_execveat:
      return Exec(call);
    case SYS_sched_getaffinity:
    case SYS_sched_setaffinity:
      return Affinity(call);
    case SYS_seccomp:
    case SYS_prctl:  // PR_SET_SECCOMP; no other is subscribed to
      return InstallFilter(call);
    case SYS_ptrace:
      preload::FunnelUnsupported(call,
                                 "uses ptrace, as a debugger does, which a traced program cannot");
      return preload::CarryOut(call);
    default:
      if (!NeedsNoModules(call.nr) && preload::TakeNewCode()) preload::RecordModules();
      return preload::Funnel(call);
  }
}

long Engine::Clone(Call& call) {
  Thread& thread = *current_;
  uint64_t flags = SIGCHLD;
  auto* block = reinterpret_cast<uint64_t*>(call.args[0]);  // clone3: the flags come first
#ifdef SYS_vfork
  if (call.nr == SYS_vfork) flags |= CLONE_VFORK | CLONE_VM;
#endif
  if (call.nr == SYS_clone) flags = static_cast<uint64_t>(call.args[0]);
  if (call.nr == SYS_clone3 && preload::CopyIn(&flags, block) != 0) return preload::CarryOut(call);

  // A child that nobody may trace could not be recorded.
  const uint64_t traceable = flags & ~static_cast<uint64_t>(CLONE_UNTRACED);
  if (traceable != flags && call.nr == SYS_clone) call.args[0] = static_cast<long>(traceable);
  if (traceable != flags && call.nr == SYS_clone3)
    preload::CopyOut(block, &traceable, sizeof traceable);
  thread.clone_flags = traceable;
  preload::FunnelCloneBegins(flags);
  const long result = preload::CarryOut(call);
  if (traceable != flags && call.nr == SYS_clone3) preload::CopyOut(block, &flags, sizeof flags);
  preload::FunnelCloneReturned(result, flags);

  return result;
}

long Engine::Exec(Call& call) {
  const bool at = call.nr == SYS_execveat;
  const long dirfd = at ? static_cast<int>(call.args[0]) : AT_FDCWD;
  const auto* path = reinterpret_cast<const char*>(call.args[at ? 1 : 0]);
  const auto* argv = reinterpret_cast<const char* const*>(call.args[at ? 2 : 1]);
  const int flags = at ? static_cast<int>(call.args[4]) : 0;
  preload::FunnelExecAttempt(static_cast<int>(dirfd), path, argv, flags);
  char copy[preload::kPathMax];
  image::ImageVerdict verdict;
  verdict.obstacle = "";
  if (preload::CopyInString(copy, path, sizeof copy) >= 0) {
    verdict.obstacle = nullptr;
    Caller caller;
    image::Inspect(caller, dirfd, copy, flags, &verdict);
    if (verdict.obstacle != nullptr && !verdict.traceable) {
      preload::FunnelUnsupportedImage(verdict.interpreter[0] != 0 ? verdict.interpreter : copy,
                                      verdict.obstacle);
    }
  }

  if (verdict.obstacle == nullptr && door_.valid()) return ExecEnterable(call);
  Unmask();
  const long result = preload::CarryOut(call);
  preload::FunnelExecFailed(static_cast<int>(-result));

  return result;
}

/// We keep everything on one processor, which the program is not to notice by the number of its
/// threads.
long Engine::Affinity(Call& call) {
  const auto target = static_cast<pid_t>(call.args[0]);
  Thread* thread = target == 0 ? current_ : FindThread(target);
  if (!pinned_ || thread == nullptr) return preload::CarryOut(call);
  const auto room =
      std::min(static_cast<size_t>(static_cast<uint32_t>(call.args[1])), sizeof(cpu_set_t));
  if (call.nr == SYS_sched_getaffinity) {
    const long result = preload::CarryOut(call);
    const cpu_set_t& wanted = thread->processors ? *thread->processors : processors_;
    if (result > 0)
      preload::CopyOut(reinterpret_cast<void*>(call.args[2]), &wanted,
                       std::min(room, static_cast<size_t>(result)));
    return result;
  }

  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  if (preload::CopyIn(&wanted, reinterpret_cast<const void*>(call.args[2]), room) != 0)
    return -EFAULT;
  CPU_AND(&wanted, &wanted, &processors_);
  if (CPU_COUNT(&wanted) == 0) return -EINVAL;
  thread->processors = wanted;

  return 0;
}

/// The thread stands at the first instruction of a new image. REQUIRES: its registers are put back
/// after.
bool Engine::MapStage(Thread& thread) {
  Mask();

  // Nothing of the image need make system calls, so the instruction is put there for the time
  // being; the kernel writes to a private copy of the page.
  void* at = reinterpret_cast<void*>(thread.call_ip);
  errno = 0;
  const long before = ::ptrace(PTRACE_PEEKTEXT, thread.tid, at, 0);
  if (errno != 0) return false;
  long with_call = before;
  memcpy(&with_call, kCallInstruction, kCallInstructionSize);
  char text[preload::kPathMax];
  const size_t size = stage_->path().size() + 1;
  auto* stack = reinterpret_cast<char*>(thread.entry.sp());
  if (size > sizeof text || preload::CopyIn(text, stack, size) != 0) return false;
  if (::ptrace(PTRACE_POKETEXT, thread.tid, at, with_call) != 0) return false;
  bool mapped = false;
  if (preload::CopyOut(stack, stage_->path().c_str(), size) == 0) {
    const long fd =
        MakeCall(SYS_openat, {AT_FDCWD, reinterpret_cast<long>(stack), O_RDWR | O_CLOEXEC}, false);
    preload::CopyOut(stack, text, size);
    if (fd >= 0) {
      const long where = static_cast<long>(Stage::kAddress);
      const long result = MakeCall(SYS_mmap,
                                   {where, static_cast<long>(Stage::kSize), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0},
                                   false);
      mapped = result == where &&
               MakeCall(SYS_mprotect, {where, 4096, PROT_READ | PROT_EXEC}, false) == 0;
      if (!mapped && result > 0)
        MakeCall(SYS_munmap, {result, static_cast<long>(Stage::kSize)}, false);
      MakeCall(SYS_close, {fd}, false);
    }
  }

  ::ptrace(PTRACE_POKETEXT, thread.tid, at, before);

  return mapped;
}

}  // namespace oldornew::ptrace
