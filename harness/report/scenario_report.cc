#include "report/scenario_report.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "report/xml.h"

namespace oldornew {

namespace {

using State = ScenarioRun::State;

uint64_t CountState(const ScenarioSummary& summary, State state) {
  return static_cast<uint64_t>(std::count_if(summary.runs.begin(), summary.runs.end(),
                                             [&](const auto& run) { return run.state == state; }));
}

const char* StateName(State state) {
  return state == State::kAsExpected ? "as-expected"
         : state == State::kDiffers  ? "differs"
                                     : "skipped";
}

// Outcomes under one profile: "atomic: empty, zeros; durable: old-after-ack".
std::string Cell(const ScenarioRun& run, const std::string& profile) {
  if (std::find(run.profiles.begin(), run.profiles.end(), profile) == run.profiles.end()) return "";
  std::map<std::string, std::set<std::string>> by_oracle;
  for (const Finding& finding : run.findings) {
    for (const auto& [outcome, profiles] : finding.outcomes) {
      if (std::find(profiles.begin(), profiles.end(), profile) != profiles.end())
        by_oracle[OracleName(finding.oracle)].insert(OutcomeName(outcome));
    }
  }
  std::vector<std::string> parts;
  for (const auto& [oracle, outcomes] : by_oracle)
    parts.push_back(fmt::format("{}: {}", oracle, Join({outcomes.begin(), outcomes.end()}, ", ")));
  return parts.empty() ? "clean" : Join(parts, "; ");
}

bool Judged(const ScenarioRun& run) { return HasAnswer(run.judgement.verdict); }

std::string MarkdownCell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

}  // namespace

ExitCode ScenarioExitCode(const ScenarioSummary& summary) {
  static constexpr ExitCode kOrder[] = {ExitCode::kUsage, ExitCode::kCannotJudge,
                                        ExitCode::kBaselineFailed, ExitCode::kFindings,
                                        ExitCode::kBounded};
  size_t worst = std::size(kOrder);
  for (const ScenarioRun& run : summary.runs) {
    if (run.state != State::kDiffers) continue;
    // What is cleaner than expected differs as well.
    const ExitCode code =
        run.judgement.exit_code == ExitCode::kClean ? ExitCode::kFindings : run.judgement.exit_code;
    const auto* at = std::find(std::begin(kOrder), std::end(kOrder), code);
    worst = std::min(worst, static_cast<size_t>(at - std::begin(kOrder)));
  }
  return worst == std::size(kOrder) ? ExitCode::kClean : kOrder[worst];
}

std::string ScenarioLine(const ScenarioRun& run, bool colour) {
  const char* word = run.state == State::kAsExpected ? "ok"
                     : run.state == State::kDiffers  ? "FAIL"
                                                     : "skip";
  const char* paint = !colour                        ? ""
                      : run.state == State::kDiffers ? "\033[31m"
                      : run.state == State::kSkipped ? "\033[2m"
                                                     : "\033[32m";
  const char* off = colour ? "\033[0m" : "";
  if (run.state == State::kSkipped)
    return fmt::format("{}{:<5}{} {:<32} {}\n", paint, word, off, run.name, run.skipped);
  std::string out = fmt::format("{}{:<5}{} {:<32} {}\n", paint, word, off, run.name,
                                VerdictName(run.judgement.verdict));
  for (const std::string& difference : run.differences)
    out += fmt::format("        {}\n", difference);
  if (run.state == State::kDiffers && !run.bundles.empty())
    out += fmt::format("        kept in {}\n", run.bundles);
  return out;
}

std::string ScenarioTotals(const ScenarioSummary& summary) {
  const uint64_t agree = CountState(summary, State::kAsExpected);
  const uint64_t differ = CountState(summary, State::kDiffers);
  const uint64_t skipped = CountState(summary, State::kSkipped);
  return fmt::format("{} as expected, {} not, {} skipped, in {:.2f} s\n", Count(agree, "scenario"),
                     differ, skipped, summary.seconds);
}

std::string ScenarioJson(const ScenarioSummary& summary) {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  for (const ScenarioRun& run : summary.runs) {
    Json entry{{"name", run.name},
               {"file", run.file},
               {"state", StateName(run.state)},
               {"command", run.command}};
    if (run.state == State::kSkipped) {
      entry["reason"] = run.skipped;
    } else {
      entry["verdict"] = VerdictName(run.judgement.verdict);
      entry["reasons"] = run.judgement.reasons;
      entry["differences"] = run.differences;
      Json findings = Json::array();
      for (const Finding& finding : run.findings) {
        Json outcomes = Json::object();
        for (const auto& [outcome, profiles] : finding.outcomes)
          outcomes[OutcomeName(outcome)] = Under(finding, profiles);
        Json paths = Json::array();
        for (const FindingSubject& subject : finding.subjects) paths.push_back(subject.path);
        findings.push_back({{"id", FindingId(finding)},
                            {"oracle", OracleName(finding.oracle)},
                            {"severity", SeverityName(finding.severity)},
                            {"pedantic", finding.pedantic},
                            {"path", finding.path()},
                            {"paths", std::move(paths)},
                            {"outcomes", std::move(outcomes)},
                            {"message", finding.message},
                            {"token", finding.token()},
                            {"accepted", finding.accepted}});
      }
      entry["findings"] = std::move(findings);
      entry["profiles"] = run.profiles;
      entry["seconds"] = run.seconds;
    }
    list.push_back(std::move(entry));
  }
  const Json json{{"schema_version", 1},
                  {"exit_code", static_cast<int>(ScenarioExitCode(summary))},
                  {"scenarios", std::move(list)},
                  {"seconds", summary.seconds}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string ScenarioJunit(const ScenarioSummary& summary) {
  std::string cases;
  for (const ScenarioRun& run : summary.runs) {
    const std::string head =
        fmt::format("  <testcase classname=\"scenarios\" name=\"{}\" time=\"{:.3f}\"",
                    Xml(run.name), run.seconds);
    if (run.state == State::kAsExpected) {
      cases += head + "/>\n";
    } else if (run.state == State::kSkipped) {
      cases += head + fmt::format("><skipped message=\"{}\"/></testcase>\n", Xml(run.skipped));
    } else {
      const std::string& first = run.differences.front();
      cases += head + fmt::format("><failure message=\"{}\">{}</failure></testcase>\n", Xml(first),
                                  Xml(Join(run.differences, "\n")));
    }
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"oldornew\" tests=\"{}\" "
      "failures=\"{}\" "
      "errors=\"0\" "
      "skipped=\"{}\" time=\"{:.3f}\">\n{}</testsuite>\n",
      summary.runs.size(), CountState(summary, State::kDiffers),
      CountState(summary, State::kSkipped), summary.seconds, cases);
}

std::string ScenarioTable(const ScenarioSummary& summary) {
  // Profiles that every program was explored under; what some say in addition would leave most
  // cells empty.
  std::vector<std::string> columns;
  for (const ScenarioRun& run : summary.runs) {
    if (run.state == State::kSkipped || !Judged(run)) continue;
    for (const std::string& profile : run.profiles) {
      const bool everywhere =
          std::all_of(summary.runs.begin(), summary.runs.end(), [&](const ScenarioRun& other) {
            return other.state == State::kSkipped || !Judged(other) ||
                   std::find(other.profiles.begin(), other.profiles.end(), profile) !=
                       other.profiles.end();
          });
      if (everywhere && std::find(columns.begin(), columns.end(), profile) == columns.end())
        columns.push_back(profile);
    }
  }
  std::string out = "| program | verdict |";
  std::string rule = "|---|---|";
  for (const std::string& profile : columns) {
    out += fmt::format(" {} |", profile);
    rule += "---|";
  }
  out += "\n" + rule + "\n";
  for (const ScenarioRun& run : summary.runs) {
    if (run.state == State::kSkipped) {
      out += fmt::format("| {} | skipped: {} |{}\n", MarkdownCell(run.name),
                         MarkdownCell(run.skipped), std::string(columns.size(), '|'));
      continue;
    }
    out += fmt::format("| {} | {} |", MarkdownCell(run.name), VerdictName(run.judgement.verdict));
    for (const std::string& profile : columns)
      out += fmt::format(" {} |", Judged(run) ? MarkdownCell(Cell(run, profile)) : "");
    out += "\n";
  }
  return out;
}

}  // namespace oldornew
