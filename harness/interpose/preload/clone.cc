// Processes and threads. Dispatching is not inherited: every child arms itself before it runs code
// of the program.
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/sched.h>

#include "interpose/funnel/hole.h"
#include "interpose/preload/entry.h"

namespace oldornew::preload {

/// At the stack pointer of a child that has a stack of its own (GateClone in gate.S knows the
/// layout): the registers with which it goes on in the program, and what kind of child it is.
struct ChildFrame {
  uint64_t rbx, rbp, r12, r13, r14, r15, rdi, rsi, rdx, r8, r9, r10, rip, rsp;
  uint64_t flags;
  uint64_t padding;
};
static_assert(sizeof(ChildFrame) == 128 && offsetof(ChildFrame, rip) == 96 &&
              offsetof(ChildFrame, rsp) == 104);

namespace {

/// clone3's argument block. Longer ones of newer kernels are refused as an older kernel would.
union CloneArguments {
  clone_args named;
  char bytes[128];
};

struct Plan {
  uint64_t flags;
  uint64_t stack_top;  ///< 0: the child goes on with a copy of our stack
  uint64_t size;       ///< of the clone3 block
  CloneArguments block;
};

long ReadPlan(const Call& call, Plan* plan) {
  plan->flags = SIGCHLD;
  plan->stack_top = 0;
  plan->size = 0;
  if (call.nr == __NR_vfork) plan->flags |= CLONE_VFORK | CLONE_VM;
  if (call.nr == __NR_clone) {
    plan->flags = static_cast<uint64_t>(call.args[0]);
    plan->stack_top = static_cast<uint64_t>(call.args[1]);
  }

  if (call.nr == __NR_clone3) {
    plan->size = static_cast<uint64_t>(call.args[1]);
    if (plan->size < CLONE_ARGS_SIZE_VER0) return -EINVAL;
    if (plan->size > sizeof plan->block) return -E2BIG;
    if (CopyIn(plan->block.bytes, reinterpret_cast<const void*>(call.args[0]), plan->size) != 0)
      return -EFAULT;
    plan->flags = plan->block.named.flags;
    if (plan->block.named.stack != 0)
      plan->stack_top = plan->block.named.stack + plan->block.named.stack_size;
  }

  return 0;
}

/// In the child, armed or about to be: what it has to tell.
void Announce(uint64_t flags) {
  if (IsHole((flags & CLONE_THREAD) != 0 ? Hole::kThread : Hole::kChild) || IsHole(Hole::kHidden))
    return;
  const bool shares_memory = (flags & CLONE_VM) != 0;
  if ((flags & CLONE_THREAD) == 0 && !shares_memory) {
    FinishPatchingAfterFork();
    NoteNewProcess();
  }

  if ((flags & CLONE_CLEAR_SIGHAND) != 0) InstallSigsysHandler();
  ArmThread();
  if (!settings.recording) return;
  if ((flags & CLONE_THREAD) != 0) {
    FunnelThreadStarted();
  } else {
    FunnelProcessStarted(shares_memory ? StartedBy::kClone : StartedBy::kFork);
  }
}

/// The child gets a copy of our stack, with our frames on it, and returns from this very handler.
/// One that would share our memory too (vfork) would destroy the frames under which its parent
/// sleeps, so it gets its own copy of everything: the parent still waits for it, and only stores of
/// the child into the parent's variables are lost.
long CloneOnThisStack(const Call& call, Plan* plan) {
  plan->flags &= ~static_cast<uint64_t>(CLONE_VM);
  long child;
  uint64_t mask;
  BlockSignals(&mask);  // no handler of the program shall run in a child that is not armed yet
  if (call.nr == __NR_clone3) {
    plan->block.named.flags = plan->flags;
    child = GateProgram(call.nr, plan->block.bytes, plan->size);
  } else if (call.nr == __NR_clone) {
    child = GateProgram(call.nr, plan->flags, 0, call.args[2], call.args[3], call.args[4]);
  } else {
    child = GateProgram(__NR_clone, plan->flags);
  }

  if (child == 0) Announce(plan->flags);
  RestoreSignals(mask);

  return child;
}

long CloneOnItsOwnStack(const Call& call, const Context* context, Plan* plan) {
  const sigcontext& from = context->uc_mcontext;
  const ChildFrame frame = {from.rbx, from.rbp,        from.r12,    from.r13, from.r14, from.r15,
                            from.rdi, from.rsi,        from.rdx,    from.r8,  from.r9,  from.r10,
                            from.rip, plan->stack_top, plan->flags, 0};
  const uint64_t at = (plan->stack_top - sizeof frame) & ~uint64_t{15};
  if (CopyOut(reinterpret_cast<void*>(at), &frame, sizeof frame) != 0) return -EFAULT;
  if (call.nr == __NR_clone)
    return GateClone(call.nr, call.args[0], static_cast<long>(at), call.args[2], call.args[3],
                     call.args[4]);
  plan->block.named.stack_size = at - plan->block.named.stack;
  return GateClone(call.nr, reinterpret_cast<long>(plan->block.bytes),
                   static_cast<long>(plan->size), 0, 0, 0);
}

}  // namespace

/// First code of a child with its own stack; GateClone calls it and then loads the registers of
/// `frame`.
extern "C" __attribute__((used)) void ChildEntered(ChildFrame* frame) { Announce(frame->flags); }

long Clone(const Call& call, const Context* context) {
  Plan plan;
  long child = ReadPlan(call, &plan);
  if (child != 0) return child;
  const uint64_t meant = plan.flags;
  const bool shares_memory =
      plan.stack_top != 0 && (meant & CLONE_VM) != 0 && (meant & CLONE_THREAD) == 0;
  if (plan.stack_top != 0 && (meant & CLONE_VM) != 0) NoteThreads();
  if ((meant & (CLONE_FILES | CLONE_FS)) != 0 && (meant & CLONE_THREAD) == 0)
    NoteSharedDescriptors();
  if (shares_memory) NoteSharedMemoryChild(+1);
  if (settings.recording) FunnelCloneBegins(meant);
  child = plan.stack_top == 0 ? CloneOnThisStack(call, &plan)
                              : CloneOnItsOwnStack(call, context, &plan);
  if (child == 0) return 0;
  if (shares_memory && (child < 0 || (meant & CLONE_VFORK) != 0)) {
    NoteSharedMemoryChild(-1);  // it has failed, or has executed something else or ended by now
    if (child > 0) ReleaseScratchOf(static_cast<int>(child));
    PatchWhatWasDeferred();
  }

  if (settings.recording && !IsHole(Hole::kHidden)) FunnelCloneReturned(child, meant);
  return child;
}

}  // namespace oldornew::preload
