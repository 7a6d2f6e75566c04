// Doctor: what this machine and this program allow, in words for a newcomer. Everything is tried out, nothing
// is guessed from version numbers (interposition.md 13.2); settings of the kernel are read only to explain
// why a trial failed, and to say what would help.
#pragma once

#include <string>
#include <vector>

namespace oldornew {

struct DoctorAnswer {
  enum class Level { kYes, kPartly, kNo };
  std::string topic;  ///< one lower-case word that never changes, for programs: "recording"
  Level level = Level::kYes;
  std::string question;  ///< "Can file calls be recorded?"
  std::string answer;    ///< what was found, one or two sentences
  std::string advice;    ///< what to do about it; never empty where the level is kNo
};

struct DoctorReport {
  std::vector<DoctorAnswer> answers;  ///< the machine first, then the program
  bool program_missing = false;       ///< the command names no program: a usage error
  std::string next;  ///< a command line to go on with; empty when something must be done first

  /// No answer is kNo: what was asked about can be judged here.
  bool CanJudge() const;
};

/// Answers about the machine and, when `command` is not empty, about that program: its first word is looked
/// up as a shell does, nothing of it is run. `work_parent` as in SandboxSpec.
DoctorReport Diagnose(const std::vector<std::string>& command, const std::string& work_parent = "");

}  // namespace oldornew
