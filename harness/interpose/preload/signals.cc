// Signals: SIGSYS is ours and must never be blocked (the kernel would kill the program at its next
// call), yet the program is to see its own view of it. Everything else about signals stays as it
// is: handlers of the program run nested in our calls, exactly where the kernel would have
// interrupted the call itself.
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/signal.h>

#include "interpose/preload/entry.h"

namespace oldornew::preload {
namespace {

constexpr uint64_t kSigsysBit = SignalBit(SIGSYS);
constexpr int kSignals = 64;
constexpr uint64_t kDefault = 0;
constexpr uint64_t kIgnore = 1;
constexpr uint64_t kSaRestorer = 0x04000000;
constexpr unsigned kAutoDisarm = 1u << 31;

// What the program asked for, where the kernel has something else.
KernelSigaction program_sigsys;
uint64_t program_restorer[kSignals + 1];
bool program_has_handlers;
uint64_t program_masks_sigsys;  // bit per signal: its sa_mask holds SIGSYS

[[noreturn]] void DieOfSigsys() {
  const KernelSigaction action = {kDefault, 0, 0, 0};
  const uint64_t mask = kSigsysBit;
  Gate(__NR_rt_sigaction, SIGSYS, &action, 0, sizeof mask);
  Gate(__NR_rt_sigprocmask, SIG_UNBLOCK, &mask, 0, sizeof mask);
  Gate(__NR_tgkill, Gate(__NR_getpid), Gate(__NR_gettid), SIGSYS);
  while (true) Gate(__NR_exit_group, 159);
}

long SigsysAction(const KernelSigaction* action, KernelSigaction* old) {
  const KernelSigaction before = program_sigsys;
  KernelSigaction wanted = {};
  if (action != nullptr && CopyIn(&wanted, action) != 0) return -EFAULT;
  wanted.mask &= ~(SignalBit(SIGKILL) | SignalBit(SIGSTOP));
  if (action != nullptr && !InSharedMemoryChild()) program_sigsys = wanted;
  if (old != nullptr) return CopyOut(old, &before, sizeof before);
  return 0;
}

/// Replaces the mask that a call passes by pointer with a copy without SIGSYS. `*argument` is the
/// pointer.
long StripMask(long* argument, uint64_t* copy) {
  if (*argument == 0) return 0;
  if (CopyIn(copy, reinterpret_cast<const uint64_t*>(*argument)) != 0) return -EFAULT;
  *copy &= ~kSigsysBit;
  *argument = reinterpret_cast<long>(copy);
  return 0;
}

/// A mask in a structure in memory: pselect6 {mask, size}, io_uring_enter with IORING_ENTER_EXT_ARG
/// {mask, size, .., timeout}.
template <typename Holder>
long StripHeldMask(long* argument, Holder* holder, uint64_t* copy) {
  if (*argument == 0) return 0;
  if (CopyIn(holder, reinterpret_cast<const Holder*>(*argument)) != 0) return -EFAULT;
  *argument = reinterpret_cast<long>(holder);
  long mask = static_cast<long>(holder->mask);
  const long error = StripMask(&mask, copy);
  holder->mask = static_cast<uint64_t>(mask);
  return error;
}

/// sigaltstack where the kernel's own answer cannot be used: our handler runs on the alternate
/// stack, or the delivery of SIGSYS has disarmed it, and what counts is what sigreturn re-installs.
long EmulateAltstack(const stack_t* wanted, stack_t* old, uint64_t sp, Context* context) {
  stack_t& current = context->uc_stack;
  const uint64_t base = reinterpret_cast<uint64_t>(current.ss_sp);
  const bool armed = (current.ss_flags & SS_DISABLE) == 0 && current.ss_size != 0;
  const bool stands_on_it = armed && sp > base && sp - base <= current.ss_size;
  stack_t before = current;
  before.ss_flags = stands_on_it ? SS_ONSTACK : (armed ? 0 : SS_DISABLE);
  if (wanted != nullptr) {
    stack_t next;
    if (CopyIn(&next, wanted) != 0) return -EFAULT;
    if (stands_on_it) return -EPERM;
    const unsigned mode = static_cast<unsigned>(next.ss_flags) & ~kAutoDisarm;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) return -EINVAL;
    if (mode == SS_DISABLE) {
      next.ss_sp = nullptr;
      next.ss_size = 0;
    } else if (next.ss_size < MINSIGSTKSZ) {
      return -ENOMEM;
    } else {
      // Without this the kernel refuses, silently, to re-install it in the sigreturn of a handler
      // that stands on it.
      next.ss_flags = static_cast<int>(static_cast<unsigned>(next.ss_flags) | kAutoDisarm);
    }
    current = next;
  }

  if (old != nullptr) return CopyOut(old, &before, sizeof before);
  return 0;
}

}  // namespace

bool InstallSigsysHandler() {
  // No mask and SA_NODEFER: handlers of the program run nested in our calls and make calls
  // themselves.
  const KernelSigaction action = {
      reinterpret_cast<uint64_t>(&OnSigsys),
      SA_SIGINFO | SA_NODEFER | kSaRestorer |
          (settings.on_alternate_stack ? static_cast<uint64_t>(SA_ONSTACK) : 0),
      RestorerInUse(), 0};
  if (Gate(__NR_rt_sigaction, SIGSYS, &action, 0, sizeof action.mask) != 0) return false;
  const uint64_t mask = kSigsysBit;
  return Gate(__NR_rt_sigprocmask, SIG_UNBLOCK, &mask, 0, sizeof mask) == 0;
}

bool MayBeInterrupted() {
  return HasThreads() || __atomic_load_n(&program_has_handlers, __ATOMIC_RELAXED);
}

long Sigaction(const Call& call) {
  const int signal = static_cast<int>(call.args[0]);
  const KernelSigaction* action = reinterpret_cast<const KernelSigaction*>(call.args[1]);
  KernelSigaction* old = reinterpret_cast<KernelSigaction*>(call.args[2]);
  if (call.args[3] != sizeof(uint64_t) || signal < 1 || signal > kSignals) return CarryOut(call);
  if (signal == SIGSYS) return SigsysAction(action, old);

  const uint64_t bit = SignalBit(signal);
  const bool masked_before = (__atomic_load_n(&program_masks_sigsys, __ATOMIC_RELAXED) & bit) != 0;
  const uint64_t restorer_before = __atomic_load_n(&program_restorer[signal], __ATOMIC_RELAXED);
  KernelSigaction wanted;
  uint64_t wanted_mask = 0, wanted_restorer = 0;
  if (action != nullptr) {
    if (CopyIn(&wanted, action) != 0) return -EFAULT;
    wanted_mask = wanted.mask;
    wanted_restorer = wanted.restorer;
    wanted.mask &= ~kSigsysBit;
    // The same bytes in the gate: returning from a handler then is no call of the program that has
    // to be dispatched.
    if ((wanted.flags & kSaRestorer) != 0) wanted.restorer = RestorerInUse();
  }

  const long result = GateProgram(__NR_rt_sigaction, signal, action == nullptr ? nullptr : &wanted,
                                  old, sizeof(uint64_t));
  if ((result == 0 || result == -EFAULT) && action != nullptr && !InSharedMemoryChild()) {
    if ((wanted_mask & kSigsysBit) != 0) {
      __atomic_fetch_or(&program_masks_sigsys, bit, __ATOMIC_RELAXED);
    } else {
      __atomic_fetch_and(&program_masks_sigsys, ~bit, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&program_restorer[signal], wanted_restorer, __ATOMIC_RELAXED);
    if (wanted.handler > kIgnore) __atomic_store_n(&program_has_handlers, true, __ATOMIC_RELAXED);
  }

  if (result == 0 && old != nullptr) {  // the kernel has just written it: it can be written
    if (masked_before) old->mask |= kSigsysBit;
    if (old->restorer == RestorerInUse()) old->restorer = restorer_before;
  }

  return result;
}

long Sigprocmask(const Call& call, Context* context) {
  if (call.args[3] != sizeof(uint64_t)) return -EINVAL;
  uint64_t mask = context->uc_sigmask;
  if (call.args[1] != 0) {
    uint64_t set;
    if (CopyIn(&set, reinterpret_cast<const uint64_t*>(call.args[1])) != 0) return -EFAULT;
    switch (static_cast<int>(call.args[0])) {
      case SIG_BLOCK:
        mask |= set;
        break;
      case SIG_UNBLOCK:
        mask &= ~set;
        break;
      case SIG_SETMASK:
        mask = set;
        break;
      default:
        return -EINVAL;
    }
  }

  // The mask in force in this handler is still the old one, so the kernel can write it, or say
  // EFAULT, itself.
  context->uc_sigmask = mask & ~kSigsysBit;
  if (call.args[2] == 0) return 0;
  return Gate(__NR_rt_sigprocmask, SIG_BLOCK, 0, call.args[2], sizeof mask);
}

/// From a rewritten site there is no handler of ours around us: the mask in force is the program's.
long SigprocmaskOfPatchedSite(const Call& call) {
  uint64_t set;
  long argument = call.args[1];
  if (call.args[3] == sizeof set && StripMask(&argument, &set) != 0) return -EFAULT;
  return Gate(call.nr, call.args[0], argument, call.args[2], call.args[3]);
}

long Sigaltstack(const Call& call, Context* context) {
  const stack_t* wanted = reinterpret_cast<const stack_t*>(call.args[0]);
  stack_t* old = reinterpret_cast<stack_t*>(call.args[1]);
  const bool disarmed = (static_cast<unsigned>(context->uc_stack.ss_flags) & kAutoDisarm) != 0;
  if (settings.on_alternate_stack || disarmed)
    return EmulateAltstack(wanted, old, call.sp, context);
  const long result = CarryOut(call);

  // sigreturn will install what stands in the context: make that what is now in force.
  if (result == 0 && wanted != nullptr) {
    Gate(__NR_sigaltstack, 0, &context->uc_stack);
    context->uc_stack.ss_flags &= ~SS_ONSTACK;
  }

  return result;
}

long WaitWithMask(Call& call) {
  uint64_t mask;
  struct {
    uint64_t mask, size;
  } pselect;
  struct {
    uint64_t mask, size, timeout;
  } uring;
  constexpr long kEnterExtArg = 1 << 3;
  long error = 0;
  switch (call.nr) {
    case __NR_rt_sigsuspend:
      error = StripMask(&call.args[0], &mask);
      break;
    case __NR_ppoll:
      error = StripMask(&call.args[3], &mask);
      break;
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
      error = StripMask(&call.args[4], &mask);
      break;
    case __NR_pselect6:
      error = StripHeldMask(&call.args[5], &pselect, &mask);
      break;
    case __NR_io_uring_enter:
      if ((call.args[3] & kEnterExtArg) == 0) {
        error = StripMask(&call.args[4], &mask);
      } else if (call.args[5] == sizeof uring) {
        error = StripHeldMask(&call.args[4], &uring, &mask);
      }
      break;
    default:
      break;
  }

  return error != 0 ? error : CarryOutOrRecord(call);
}

void ForwardSigsys(int signal, siginfo_t* info, Context* context) {
  const KernelSigaction action = program_sigsys;

  // a filter of the program, at one of our calls: si_code <= 0 is a person's kill
  const bool forced = info->si_code > 0;
  if (action.handler == kIgnore && !forced) return;
  if (action.handler == kDefault || action.handler == kIgnore) DieOfSigsys();
  if ((action.flags & static_cast<uint64_t>(SA_RESETHAND)) != 0) program_sigsys = {};
  const uint64_t mask = action.mask & ~kSigsysBit;
  Gate(__NR_rt_sigprocmask, SIG_BLOCK, &mask, 0, sizeof mask);

  // A trapped call's registers are those of the gate: the same arguments, and its rax is what the
  // call returns to us.
  reinterpret_cast<void (*)(int, siginfo_t*, Context*)>(action.handler)(signal, info, context);
}

}  // namespace oldornew::preload
