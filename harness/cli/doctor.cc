// doctor: can this machine and this program be judged? If not, why, and what to do about it.
#include "run/doctor.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"

namespace oldornew {
namespace {

constexpr size_t kWidth = 100;
constexpr const char* kIndent = "  ";

ExitCode CodeOf(const DoctorReport& report) {
  if (report.program_missing) return ExitCode::kUsage;
  return report.CanJudge() ? ExitCode::kClean : ExitCode::kCannotJudge;
}

const char* NameOf(DoctorAnswer::Level level) {
  switch (level) {
    case DoctorAnswer::Level::kYes:
      return "yes";
    case DoctorAnswer::Level::kPartly:
      return "partly";
    case DoctorAnswer::Level::kNo:
      break;
  }
  return "no";
}

std::string TextOf(const DoctorReport& report) {
  std::string text;
  for (const DoctorAnswer& answer : report.answers) {
    const bool no = answer.level == DoctorAnswer::Level::kNo;
    const bool partly = answer.level == DoctorAnswer::Level::kPartly;
    text += fmt::format("{} {}\n", no ? "✗" : partly ? "~" : "✓", answer.question);
    text += kIndent + Wrap(answer.answer, kWidth, kIndent) + "\n";
    if (!answer.advice.empty())
      text += kIndent + Wrap("→ " + answer.advice, kWidth, kIndent) + "\n";
  }
  text += "\n";
  if (report.program_missing) return text + "The command names no program.\n";
  if (!report.CanJudge())
    return text +
           "✗ cannot be judged here as it is: see the lines with ✗, and after → what would help.\n";
  return text + "✓ can be judged here. Go on with: " + report.next + "\n";
}

std::string JsonOf(const DoctorReport& report) {
  auto answers = nlohmann::ordered_json::array();
  for (const DoctorAnswer& answer : report.answers) {
    answers.push_back({{"topic", answer.topic},
                       {"level", NameOf(answer.level)},
                       {"question", answer.question},
                       {"answer", answer.answer},
                       {"advice", answer.advice}});
  }
  const nlohmann::ordered_json json = {{"schema_version", 1},
                                       {"can_judge", CodeOf(report) == ExitCode::kClean},
                                       {"exit_code", static_cast<int>(CodeOf(report))},
                                       {"answers", answers},
                                       {"next", report.next}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<ExitCode> RunDoctor(const Options& options) {
  const DoctorReport report = Diagnose({options.command, options.work_directory, options.try_it});
  std::fputs((options.json ? JsonOf(report) : TextOf(report)).c_str(), stdout);
  return CodeOf(report);
}

}  // namespace oldornew
