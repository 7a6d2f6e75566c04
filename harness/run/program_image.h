// What a program file is, from its bytes alone: the chain of script interpreters, and what the ELF
// image at the end of the chain says about itself. This is for explanations; CheckEnterable decides
// whether the program can be recorded.
#pragma once

#include <string>
#include <vector>

namespace oldornew {

struct ProgramImage {
  /// of a script: "/bin/sh"; each found by the one before it
  std::vector<std::string> interpreters;
  std::string path;  ///< of the image that the kernel runs in the end
  bool is_elf = false;
  bool is_static = false;  ///< no dynamic loader is asked for
  bool is_go = false;      ///< has the Go linker's notes
  bool has_asan = false;   ///< compiled with AddressSanitizer, shared or not
  bool has_lines = false;  ///< line numbers in the file, or in a separate file where debuggers look
  std::vector<std::string> libraries;  ///< sonames it asks for, in order

  /// True when it asks for a library whose name begins with `prefix`.
  bool Needs(const std::string& prefix) const;
};

/// Reads `path` (absolute, or relative to the current directory). What cannot be read stays false.
ProgramImage InspectProgram(const std::string& path);

}  // namespace oldornew
