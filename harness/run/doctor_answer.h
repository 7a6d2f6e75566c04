// A question to the doctor and an answer of it (run/doctor.h).
#pragma once

#include <string>
#include <vector>

namespace oldornew {

struct DoctorQuestion {
  std::vector<std::string> command;  ///< empty: the machine alone
  std::string work_parent = {};      ///< as in SandboxSpec
  bool try_it = false;  ///< run the command once, in a private copy of the current directory
};

struct DoctorAnswer {
  enum class Level { kYes, kPartly, kNo };
  std::string topic;  ///< one lower-case word that never changes, for programs: "recording"
  Level level = Level::kYes;
  std::string question;  ///< "Can file calls be recorded?"
  std::string answer;    ///< what was found, one or two sentences
  std::string advice;    ///< what to do about it; never empty where the level is kNo
};

}  // namespace oldornew
