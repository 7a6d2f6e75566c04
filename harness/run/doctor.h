// Doctor: what this machine and this program allow, in words for a newcomer. Everything is tried out, nothing
// is guessed from version numbers (interposition.md 13.2).
#pragma once

#include <string>
#include <vector>

namespace oldornew {

struct DoctorAnswer {
  enum class Level { kYes, kPartly, kNo };
  std::string question;  ///< "Can file calls be recorded?"
  Level level = Level::kYes;
  std::string answer;  ///< one sentence: what was found
  std::string advice;  ///< what to do about it; empty when there is nothing to do
};

/// Answers about the machine and, when `command` is not empty, about that program. `work_parent` as in
/// SandboxSpec.
std::vector<DoctorAnswer> Examine(const std::vector<std::string>& command,
                                  const std::string& work_parent = "");

}  // namespace oldornew
