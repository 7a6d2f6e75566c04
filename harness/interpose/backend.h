// The ways to record (interposition.md 10): Syscall User Dispatch inside the program, ptrace from
// outside.
#pragma once

namespace oldornew {

enum class Backend {
  /// Syscall User Dispatch where the machine has it and the program can be entered, else ptrace
  kAuto,
  kSud,     ///< nothing else: what cannot be entered cannot be judged
  kPtrace,  ///< ptrace for the whole run
};

}  // namespace oldornew
