// What of the processor a tracer has to know: registers at a system call, the instruction that
// makes one. All the rest of this folder is the same on every machine.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstddef>
#include <cstdint>

namespace oldornew::ptrace {

/// The registers of a stopped thread.
struct Registers {
  user_regs_struct words = {};

  uint64_t ip() const;
  uint64_t sp() const;
  uint64_t frame_pointer() const;
  void SetResult(long result);
  /// To be set at an exit stop: the thread makes this system call next, with the instruction at
  /// `ip`.
  void PrepareCall(uint64_t ip, long nr, const long (&args)[6]);
};

/// False: the thread is gone (it was killed).
bool GetRegisters(pid_t thread, Registers* registers);
bool SetRegisters(pid_t thread, const Registers& registers);

/// At an entry stop: what the kernel is going to do instead. nr -1: nothing, and the result is
/// `result`.
bool ReplaceCall(pid_t thread, const Registers& now, long nr, const long (&args)[6], long result);

/// AUDIT_ARCH_* of programs whose numbers are those of <sys/syscall.h>.
extern const uint32_t kNativeArchitecture;
/// The instruction that makes a system call.
extern const unsigned char kCallInstruction[];
extern const size_t kCallInstructionSize;

}  // namespace oldornew::ptrace
