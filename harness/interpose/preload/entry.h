// The entry side of the preload library, shared by its own files: start, dispatch, signals, clone,
// exec, patch. See seam.h.
#pragma once

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <stddef.h>
#include <stdint.h>

#include "interpose/funnel/memory.h"
#include "interpose/funnel/seam.h"

// gate.S
extern "C" {
extern const char GateStart[] __attribute__((visibility("hidden")));
extern const char GateEnd[] __attribute__((visibility("hidden")));
extern int64_t GateShift __attribute__((visibility("hidden")));  // of the pages in use from these
void GateRestorer();
[[noreturn]] void GateSigreturn(uint64_t sp);
[[noreturn]] void GateUnmapAndExit(uint64_t start, uint64_t size);
long GateClone(long nr, long a, long b, long c, long d, long e);
}

namespace oldornew::preload {

/// The kernel's struct sigaction (glibc's differs).
struct KernelSigaction {
  uint64_t handler;
  uint64_t flags;
  uint64_t restorer;
  uint64_t mask;
};

constexpr uint64_t SignalBit(int signal) { return uint64_t{1} << (signal - 1); }

/// What a signal handler gets from the kernel: the registers, mask and alternate stack that the
/// program goes on with.
using Context = ::ucontext;

/// Fixed by the constructor, before the program runs.
struct Settings {
  /// FunnelInit found a recording. If not, we are armed for a test: nothing reaches the funnel
  bool recording;
  /// SIGSYS uses the program's alternate stack: for Go, whose goroutine stacks are tiny
  bool on_alternate_stack;
  bool patch;  ///< rewrite call sites (OLDORNEW_PATCH=0 switches it off)
};
extern Settings settings;

/// The funnel, or straight to the kernel when nothing is recorded.
inline long CarryOutOrRecord(Call& call) {
  return settings.recording ? Funnel(call) : CarryOut(call);
}

// start.cc
void ArmThread();  ///< turns Syscall User Dispatch on for this thread
void NoteNewProcess();
/// +1: a CLONE_VM child process may run from now on; -1: it has gone
void NoteSharedMemoryChild(int delta);
void NoteSharedDescriptors();  ///< a process with the same descriptor table may run from now on
bool InSharedMemoryChild();    ///< this is such a child: static data belongs to the parent
void NoteProgramFilter();

// signals.cc
bool InstallSigsysHandler();  ///< also unblocks SIGSYS
long Sigaction(const Call& call);
long Sigprocmask(const Call& call, Context* context);
long Sigaltstack(const Call& call, Context* context);
long SigprocmaskOfPatchedSite(const Call& call);
/// ppoll, pselect6, epoll_pwait, epoll_pwait2, rt_sigsuspend, io_uring_enter
long WaitWithMask(Call& call);
void ForwardSigsys(int signal, siginfo_t* info, Context* context);

// filter.cc
/// From now on system calls come from pages at the address that a filter of the program's past lets
/// through.
void MoveGate(const char* library);
long InstallFilter(Call& call);  ///< prctl(PR_SET_SECCOMP), seccomp(SECCOMP_SET_MODE_*)

// clone.cc
long Clone(const Call& call, const Context* context);

inline uint64_t RestorerInUse() {
  return reinterpret_cast<uint64_t>(&GateRestorer) + static_cast<uint64_t>(GateShift);
}
inline const char* GateInUse() { return GateStart + GateShift; }
inline uint64_t GateSize() { return static_cast<uint64_t>(GateEnd - GateStart); }

// exec.cc
void AddToEnvironment(const char* variable);  ///< of every image from now on
const char* LibraryPath();
/// What follows "NAME=" in the environment that was saved, or nullptr.
const char* SavedValue(const char* name);
void SaveEnvironment(char** envp);  ///< keeps copies of what has to survive every exec
void HideFromProgram(char** envp);  ///< takes our variables out of the program's view
bool SavedEnvironmentIsComplete();
long Exec(const Call& call);
void ReleaseScratchOf(int process);  ///< the CLONE_VFORK child `process` no longer uses our memory

// hand_over.cc
/// The tracer has attached to this thread, which now should execute the image that we cannot enter.
/// nullptr: there is no tracer, or it cannot.
wire::HandOver* HandOverToTracer();
/// That exec has failed: we go on as before.
void TakeBackFromTracer(wire::HandOver* entry);

// patch.cc
/// After a dispatched call: rewrites its site if that is due and can be done. `r8` as the program
/// had it.
void ConsiderPatching(const Call& call, uint64_t r8);
bool HasThreads();
void PatchWhatWasDeferred();     ///< by a CLONE_VFORK child that shared our memory and has gone
void NoteThreads();              ///< from now on other tasks may run in our memory
void FinishPatchingAfterFork();  ///< in the child, which is alone

// dispatch.cc
/// Every call that needs nothing of the program's registers: from a rewritten site, or dispatched.
long HandleOrdinary(Call& call);
void OnSigsys(int signal, siginfo_t* info, Context* context);

}  // namespace oldornew::preload
