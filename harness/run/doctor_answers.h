// The doctor's questions, one function each (run/doctor.h). For this room only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "run/doctor_answer.h"
#include "run/sandbox.h"

namespace oldornew::doctor {

/// Which recorders work on this machine, found out once.
struct Backends {
  Status preload;  ///< Syscall User Dispatch works and the library is there
  Status tracing;  ///< a child can be traced, and stopped at chosen calls
};
Backends TryBackends();

DoctorAnswer AboutRecording(const Backends& backends);
DoctorAnswer AboutStaticPrograms(const Backends& backends);
DoctorAnswer AboutView(const Sandbox& sandbox);
DoctorAnswer AboutProcesses(const Sandbox& sandbox);
DoctorAnswer AboutHome(const Sandbox& sandbox);
DoctorAnswer AboutRoom(const Sandbox& sandbox);
DoctorAnswer AboutTrial(Sandbox& sandbox);
DoctorAnswer AboutDirectory();
DoctorAnswer AboutCopy();
DoctorAnswer AboutRealFileSystems();

/// The program's own questions. Empty `path`: there is no such program.
std::vector<DoctorAnswer> AboutProgram(const std::vector<std::string>& command,
                                       const std::string& path, const Backends& backends);

/// Records the command once and says what came of it.
DoctorAnswer AboutRun(const DoctorQuestion& question);

inline DoctorAnswer Yes(std::string answer, std::string advice = "") {
  return {"", DoctorAnswer::Level::kYes, "", std::move(answer), std::move(advice)};
}
inline DoctorAnswer Partly(std::string answer, std::string advice) {
  return {"", DoctorAnswer::Level::kPartly, "", std::move(answer), std::move(advice)};
}
inline DoctorAnswer No(std::string answer, std::string advice) {
  return {"", DoctorAnswer::Level::kNo, "", std::move(answer), std::move(advice)};
}

/// `answer` as the answer to a question.
inline DoctorAnswer Ask(const char* topic, std::string question, DoctorAnswer answer) {
  answer.topic = topic;
  answer.question = std::move(question);
  return answer;
}

}  // namespace oldornew::doctor
