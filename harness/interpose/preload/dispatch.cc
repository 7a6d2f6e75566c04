// Dispatch: the SIGSYS handler. Calls that would undo or escape the dispatching are virtualised
// here, all others go to the funnel. Our frame stands on the program's stack; what the handler
// leaves in `context` is what the program goes on with.
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>

#include "interpose/preload/entry.h"

extern "C" {  // the linker's
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
extern const char _end __attribute__((visibility("hidden")));
}

namespace oldornew::preload {
namespace {

constexpr int kSysUserDispatch = 2;  // siginfo.h's SYS_USER_DISPATCH; 1 is a seccomp filter's trap
constexpr long kX32Bit = 0x40000000;

bool StandsOn(uint64_t start, uint64_t size) {
  const uint64_t here = reinterpret_cast<uint64_t>(__builtin_frame_address(0));
  return here >= start && here - start < size;
}

long Prctl(Call& call) {
  // as on a kernel without it: it is taken
  if (call.args[0] == PR_SET_SYSCALL_USER_DISPATCH) return -EINVAL;
  return call.args[0] == PR_SET_SECCOMP ? InstallFilter(call) : CarryOutOrRecord(call);
}

long Seccomp(Call& call) {
  const bool installs =
      call.args[0] == SECCOMP_SET_MODE_STRICT || call.args[0] == SECCOMP_SET_MODE_FILTER;
  return installs ? InstallFilter(call) : CarryOutOrRecord(call);
}

/// A traced process stops at every signal, so also at every dispatched call, and a tracer that
/// sleeps in vfork (gdb, when it starts its program) would never come. Such a process is let go.
long Ptrace(Call& call) {
  const long result = CarryOutOrRecord(call);
  if (call.args[0] != PTRACE_TRACEME || result != 0) return result;
  if (settings.recording)
    FunnelUnsupported(call,
                      "asks to be traced, as by a debugger, and is not recorded from there on");
  DisarmThread();
  return result;
}

/// Numbers of another system call table: of x32, or of 32-bit code (int 0x80). We answer as a
/// kernel without them.
long ForeignCall(const Call& call) {
  if (settings.recording)
    FunnelUnsupported(call, "makes system calls by the numbers of 32-bit or x32 programs");
  return -ENOSYS;
}

struct Region {
  uint64_t start;
  uint64_t end;
};

/// The mapping of ours that overlaps [start, end) first, or an empty one. A program that clears its
/// address space of what it does not know would clear away the code that is just running.
Region Ours(uint64_t start, uint64_t end) {
  const uint64_t page = ~uint64_t{4095};
  uint64_t size = 0;
  const uint64_t recording = reinterpret_cast<uint64_t>(RecordingMapping(&size));
  const Region regions[] = {
      {reinterpret_cast<uint64_t>(&__ehdr_start) & page,
       (reinterpret_cast<uint64_t>(&_end) + 4095) & page},
      {recording, recording + size},
      {reinterpret_cast<uint64_t>(GateInUse()),
       reinterpret_cast<uint64_t>(GateInUse()) + GateSize()},
  };
  Region first = {end, end};
  for (const Region& region : regions) {
    if (region.start < end && region.end > start && region.start < first.start) first = region;
  }

  return first;
}

/// munmap and mprotect: around what is ours, which the program takes to be gone, or protected. mmap
/// over it fails as if there were no memory.
long AroundOurs(Call& call) {
  const uint64_t start = static_cast<uint64_t>(call.args[0]);
  const uint64_t end = start + ((static_cast<uint64_t>(call.args[1]) + 4095) & ~uint64_t{4095});
  if (start % 4096 != 0 || end <= start) return CarryOutOrRecord(call);
  uint64_t at = start;
  for (;;) {
    const Region ours = Ours(at, end);
    if (ours.start > at) {
      call.args[0] = static_cast<long>(at);
      call.args[1] = static_cast<long>(ours.start - at);
      const long result = CarryOutOrRecord(call);
      if (result != 0) return result;
    }
    if (ours.end >= end) return 0;
    at = ours.end;
  }
}

bool TouchesOurs(const Call& call) {
  const uint64_t start = static_cast<uint64_t>(call.args[0]);
  const uint64_t end = start + static_cast<uint64_t>(call.args[1]);
  return end > start && Ours(start, end).start < end;
}

long Munmap(Call& call) {
  const uint64_t start = static_cast<uint64_t>(call.args[0]);
  const uint64_t size = static_cast<uint64_t>(call.args[1]);
  if (StandsOn(start, size)) GateUnmapAndExit(start, size);
  return TouchesOurs(call) ? AroundOurs(call) : CarryOutOrRecord(call);
}

long Mmap(Call& call) {
  const bool replaces = (call.args[3] & MAP_FIXED) != 0;
  return replaces && TouchesOurs(call) ? -ENOMEM : CarryOutOrRecord(call);
}

/// Calls that act on the registers, the mask or the stack the program goes on with. False: it is an
/// ordinary one.
bool HandleSpecial(Call& call, Context* context, long* result) {
  switch (call.nr) {
    case __NR_rt_sigreturn:
      GateSigreturn(call.sp);
    case __NR_rt_sigprocmask:
      *result = Sigprocmask(call, context);
      return true;
    case __NR_sigaltstack:
      *result = Sigaltstack(call, context);
      return true;
    case __NR_fork:
    case __NR_vfork:
    case __NR_clone:
    case __NR_clone3:
      *result = Clone(call, context);
      return true;
    case __NR_execve:
    case __NR_execveat:
      *result = Exec(call);
      return true;
    default:
      return false;
  }
}

}  // namespace

long HandleOrdinary(Call& call) {
  switch (call.nr) {
    case __NR_rt_sigaction:
      return Sigaction(call);
    case __NR_rt_sigprocmask:
      return SigprocmaskOfPatchedSite(call);
    case __NR_ppoll:
    case __NR_pselect6:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
    case __NR_rt_sigsuspend:
    case __NR_io_uring_enter:
      return WaitWithMask(call);
    case __NR_prctl:
      return Prctl(call);
    case __NR_seccomp:
      return Seccomp(call);
    case __NR_ptrace:
      return Ptrace(call);
    case __NR_munmap:
      return Munmap(call);
    case __NR_mprotect:
      return TouchesOurs(call) ? AroundOurs(call) : CarryOutOrRecord(call);
    case __NR_mmap:
      return Mmap(call);
    default:
      return (call.nr & kX32Bit) != 0 ? ForeignCall(call) : CarryOutOrRecord(call);
  }
}

void OnSigsys(int signal, siginfo_t* info, Context* context) {
  if (info->si_code != kSysUserDispatch) {
    ForwardSigsys(signal, info, context);
    return;
  }

  sigcontext& registers = context->uc_mcontext;
  Call call;
  call.nr = static_cast<long>(registers.rax);
  call.args[0] = static_cast<long>(registers.rdi);
  call.args[1] = static_cast<long>(registers.rsi);
  call.args[2] = static_cast<long>(registers.rdx);
  call.args[3] = static_cast<long>(registers.r10);
  call.args[4] = static_cast<long>(registers.r8);
  call.args[5] = static_cast<long>(registers.r9);
  call.ip = registers.rip;
  call.sp = registers.rsp;
  call.bp = registers.rbp;
  call.via = wire::Route::kDispatch;
  long result;
  if (info->si_arch != AUDIT_ARCH_X86_64) {
    result = ForeignCall(call);
  } else if (!HandleSpecial(call, context, &result)) {
    result = HandleOrdinary(call);
    call.nr = static_cast<long>(registers.rax);
    ConsiderPatching(call, registers.r8);
  } else if (call.nr == __NR_rt_sigprocmask) {
    ConsiderPatching(call, registers.r8);
  }

  registers.rax = static_cast<uint64_t>(result);
}

}  // namespace oldornew::preload
