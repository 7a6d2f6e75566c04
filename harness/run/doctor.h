// Doctor: what this machine and this program allow, in words for a newcomer. Everything is tried
// out; nothing is guessed from version numbers (interposition.md 13.2). Settings of the kernel are
// read only to explain why a trial failed and what would help.
#pragma once

#include <string>
#include <vector>

#include "run/doctor_answer.h"

namespace oldornew {

struct DoctorReport {
  std::vector<DoctorAnswer> answers;  ///< the machine first, then the program
  bool program_missing = false;       ///< the command names no program: a usage error
  std::string next;  ///< a command line to continue with; empty when something must be done first

  /// True when no answer is kNo: what was asked about can be judged here.
  bool CanJudge() const;
};

/// Answers about the machine and, when there is a command, about its program: the first word,
/// looked up as a shell does. Nothing of it is run unless `try_it` says so.
DoctorReport Diagnose(const DoctorQuestion& question);

}  // namespace oldornew
