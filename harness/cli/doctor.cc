// doctor: can this machine and this program be judged? If not, why, and what to do about it.
#include "run/doctor.h"

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"

namespace oldornew {

Result<ExitCode> RunDoctor(const Options& options) {
  const auto answers = Examine(options.command, options.work_directory);
  for (const DoctorAnswer& answer : answers) {
    const char* mark = answer.level == DoctorAnswer::Level::kYes      ? "yes"
                       : answer.level == DoctorAnswer::Level::kPartly ? "partly"
                                                                      : "NO";
    std::fputs(fmt::format("{:<7} {}\n        {}\n", mark, answer.question, answer.answer).c_str(), stdout);
    if (!answer.advice.empty()) std::fputs(fmt::format("        → {}\n", answer.advice).c_str(), stdout);
  }
  const bool no = std::any_of(answers.begin(), answers.end(),
                              [](const DoctorAnswer& a) { return a.level == DoctorAnswer::Level::kNo; });
  return no ? ExitCode::kCannotJudge : ExitCode::kClean;
}

}  // namespace oldornew
