// The seam inside the preload library. On one side is the entry: dispatch, signals, clone, exec and
// patching, which is how a system call of the program gets here. On the other side is the funnel:
// what is done about the call, which is to look, carry out and record.
//
// Laws of every file of this library:
//
//  1. System calls are issued with GateSyscall and with nothing else. A `syscall` instruction
//     anywhere else would be dispatched to us again.
//  2. No libc, no libstdc++, no TLS, no errno, no heap, no exceptions, no vector registers.
//     memory.h has what replaces them.
//  3. The program's memory is read and written through CopyIn and CopyOut only. Whatever pointer
//     the program passes, it gets -EFAULT as it would from the kernel, never a crash.
//  4. The stack belongs to the program and may be small: an 8 KiB alternate stack with a 3.5 KiB
//     signal frame on it. All locals along any path take about 1 KiB at most. Large buffers are
//     static, and are used with the recording lock held.
//  5. A signal handler of the program may run nested at any instruction. It may make system calls,
//     which arrive here again on the same thread, and it may siglongjmp away and never come back.
//     The only exception is between BlockSignals and RestoreSignals.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "interpose/wire.h"

namespace oldornew::preload {

/// What the plan has decided about a call (faults.cc).
struct Fault {
  /// -errno that stands for the result of the call, which is not carried out; 0: it is
  long instead;
  uint64_t asked;      ///< bytes that the program asked for, if the call was given fewer; else 0
  uint32_t injection;  ///< index of the rule + 1
  /// errno that is reported to the program although the call is done; 0: what the kernel says
  int32_t told;
  bool signalled;  ///< the signal that was to come before the call has been sent
};

/// One system call of the program, at its entry. `args` may be changed by the funnel before it is
/// carried out.
struct Call {
  long nr;
  long args[6];
  uint64_t ip;  ///< address after the call's instruction: the innermost entry of a call stack
  uint64_t sp;  ///< the program's registers at the call
  uint64_t bp;
  wire::Route via;
  const Fault* fault = nullptr;  ///< null: nothing happens to it (patch.S makes it so)
};

/// Carries out a system call of ours without being dispatched. Returns the result or -errno.
/// Filters that the program installs do not apply to it (filter.cc).
extern "C" long GateSyscall(long nr, long a, long b, long c, long d, long e, long f);

/// The same for a call of the program, which its own filters see, and may refuse.
extern "C" long GateProgramSyscall(long nr, long a, long b, long c, long d, long e, long f);

template <typename T>
inline long GateArgument(T value) {
  if constexpr (__is_class(T) || __is_union(T)) {
    static_assert(sizeof(T) == 0, "pass numbers and pointers to a system call");
  } else {
    return (long)value;
  }
}

/// GateSyscall with the missing arguments 0: `Gate(SYS_close, fd)`.
template <typename A = long, typename B = long, typename C = long, typename D = long,
          typename E = long, typename F = long>
inline long Gate(long nr, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) {
  return GateSyscall(nr, GateArgument(a), GateArgument(b), GateArgument(c), GateArgument(d),
                     GateArgument(e), GateArgument(f));
}

/// Gate for a call of the program whose arguments were replaced by copies of them.
template <typename A = long, typename B = long, typename C = long, typename D = long,
          typename E = long, typename F = long>
inline long GateProgram(long nr, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) {
  return GateProgramSyscall(nr, GateArgument(a), GateArgument(b), GateArgument(c), GateArgument(d),
                            GateArgument(e), GateArgument(f));
}

/// Whether what the plan has decided about the call stands for its result: the kernel is not asked.
inline bool IsReplaced(const Call& call) {
  return call.fault != nullptr && call.fault->instead != 0;
}

/// Carries out a call that the plan may have an eye on, with arguments that are copies of its own.
template <typename A = long, typename B = long, typename C = long, typename D = long,
          typename E = long, typename F = long>
inline long CarryOutWith(const Call& call, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) {
  return IsReplaced(call) ? call.fault->instead : GateProgram(call.nr, a, b, c, d, e, f);
}

/// Carries the call out as it stands in `call`.
inline long CarryOut(const Call& call) {
  return CarryOutWith(call, call.args[0], call.args[1], call.args[2], call.args[3], call.args[4],
                      call.args[5]);
}

/// What the funnel remembers of the program's process: one T per process, zero-initialised, copied
/// by fork, shared by processes that share the memory, new after exec. In the preload library that
/// is what a static variable is. The tracer keeps one for each process that it traces.
#ifdef OLDORNEW_HOSTED
/// Room for `size` bytes in the state of every process; offset of it.
size_t ReserveState(size_t size);
/// The state of the process on whose behalf we run.
char* ProcessState();

template <typename T>
inline T& Mine() {
  static const size_t offset = ReserveState(sizeof(T));
  return *reinterpret_cast<T*>(ProcessState() + offset);
}
#else
template <typename T>
inline constinit T g_mine = {};

template <typename T>
inline T& Mine() {
  return g_mine<T>;
}
#endif

// ---- provided by the entry side

/// Sends a signal to the calling process, before its call is carried out. False: the call comes
/// anew when the signal has been dealt with, its Call::fault a copy of `fault`; until then it is to
/// be left as it is.
#ifdef OLDORNEW_HOSTED
bool SignalBefore(int signal, const Fault& fault);
void SignalAfter(int signal);
#else
inline bool SignalBefore(int signal, const Fault&);
inline void SignalAfter(int signal);
#endif

/// Where the kernel can read `length` bytes of ours (in the recording) on behalf of the program;
/// null: nowhere. REQUIRES: the FileLock is held, and until the next call of this or its release.
#ifdef OLDORNEW_HOSTED
char* Lend(char* bytes, uint64_t length);
#else
inline char* Lend(char* bytes, uint64_t) { return bytes; }
#endif

/// Blocks every signal of this thread (but SIGSYS, which a filter of the program may raise for one
/// of our own calls, and the ones that cannot be blocked) and stores the mask that was in force.
/// One system call each; REQUIRES: no nesting.
void BlockSignals(uint64_t* old_mask);
void RestoreSignals(uint64_t old_mask);

/// Turns Syscall User Dispatch off for this thread.
void DisarmThread();

/// Process and thread id. ProcessId is cached where that is safe (not while a CLONE_VM child shares
/// our memory).
int ProcessId();
int ThreadId();

/// True while another process shares our memory (a CLONE_VM child that has not executed or ended
/// yet) or our descriptors or current directory (CLONE_FILES or CLONE_FS without CLONE_THREAD, for
/// ever): what is remembered may be another's.
bool SharesDescriptorsOrMemory();

/// False if no code of the program can run in this process while one of our functions does: it has
/// one thread and no signal handlers.
bool MayBeInterrupted();

/// True once the program has installed a seccomp filter that could not be opened for our own calls
/// (it is longer than 4089 instructions, or was unreadable): every further kind of system call that
/// we make may kill the program, so make none that its own call does not imply, beyond
/// rt_sigprocmask, gettid, futex, and fstat-like looks at what the call names.
bool UnderProgramFilter();

// ---- provided by the funnel side

enum class StartedBy : uint8_t { kExec, kFork, kClone };

#ifndef OLDORNEW_HOSTED
inline void SignalAfter(int signal) { Gate(SYS_kill, ProcessId(), signal); }
inline bool SignalBefore(int signal, const Fault&) {
  SignalAfter(signal);
  return true;
}
#endif

/// Called once, from the constructor, before anything is armed, single-threaded. Maps the recording
/// named by OLDORNEW_RECORDING in `envp`. Returns false when the variable is absent (or names
/// nothing usable that can be told to nobody): the library then stays inert in this process. `auxv`
/// is the vector of the kernel, pairs of words ended by AT_NULL.
bool FunnelInit(char** envp, const uint64_t* auxv);

/// The process has armed itself and will miss nothing from here on. In the new image after exec
/// (from the constructor), in the child after fork and vfork, in a child process with its own stack
/// that shares our memory (posix_spawn: clone with CLONE_VM but not CLONE_THREAD; static data is
/// then shared with the parent!).
void FunnelProcessStarted(StartedBy how);

/// A new thread of this process has armed itself. Runs on the thread's own stack.
void FunnelThreadStarted();

/// Before each clone or clone3 that may make a thread, with its flags.
void FunnelCloneBegins(uint64_t flags);

/// In the parent, after each fork, vfork, clone, clone3: the child's id or -errno, and the clone
/// flags as the program meant them (fork: SIGCHLD; vfork: CLONE_VFORK|CLONE_VM|SIGCHLD). May come
/// after the child's own FunnelProcessStarted.
void FunnelCloneReturned(long child_or_error, uint64_t flags);

/// Before an exec is tried: the arguments as the program gave them (pointers into its memory;
/// execve: dirfd AT_FDCWD, flags 0).
void FunnelExecAttempt(int dirfd, const char* path, const char* const* argv, int flags);

/// The image about to be executed cannot be entered (static, foreign architecture, setuid, ...).
/// `path` names the image that is the trouble (of a script: its interpreter) and lies in our
/// memory; `reason` is a constant sentence part such as "is statically linked". Comes between
/// FunnelExecAttempt and the exec; FunnelExecFailed takes it back.
void FunnelUnsupportedImage(const char* path, const char* reason);

/// The process does something for which the recording cannot be judged. `reason` is a sentence part
/// such as "enters ...".
void FunnelUnsupported(const Call& call, const char* reason);

/// The exec tried last by this thread failed with `error` (positive errno) and the old image goes
/// on.
void FunnelExecFailed(int error);

/// Where the recording is mapped in this process, and how much of it. nullptr: nowhere.
const void* RecordingMapping(uint64_t* size);

/// Every system call that the entry side does not have to virtualise (signals, clone, exec):
/// carries it out (or refuses it), records it, returns its result or -errno. exit and exit_group
/// come here too and do not return.
long Funnel(Call& call);

}  // namespace oldornew::preload
