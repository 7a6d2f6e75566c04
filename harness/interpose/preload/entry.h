// The entry side of the preload library, shared by its own files: dispatch, signals, clone, exec, patching. See seam.h.
#pragma once

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <stddef.h>
#include <stdint.h>

#include "interpose/preload/memory.h"
#include "interpose/preload/seam.h"

extern "C" {
extern const char GateStart[];
extern const char GateEnd[];
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

/// A system call in the SIGSYS handler: what the program's registers, mask and alternate stack will be when it goes on.
/// asm/ucontext.h's struct ends in a 64-bit mask as the kernel writes it.
using Context = ::ucontext;

/// State that is fixed by the constructor, before the program runs.
struct Settings {
  bool on_alternate_stack;  ///< SIGSYS uses the program's alternate stack: for Go, whose goroutine stacks are tiny
  bool patch;               ///< rewrite call sites (OLDORNEW_PATCH=0 switches it off)
};
extern Settings settings;

// start.cc
void ArmThread();             ///< turns Syscall User Dispatch on for this thread
void InstallSigsysHandler();  ///< also unblocks SIGSYS
void ForgetCachedProcessId();
void NoteSharedMemoryChild(int delta);  ///< +1: a CLONE_VM child process may run now; -1: it has gone
void NoteProgramFilter();

// dispatch.cc
extern "C" void OnSigsys(int signal, siginfo_t* info, Context* context);

}  // namespace oldornew::preload
