// check: record, explore, judge, report.
#include <cstdio>
#include <optional>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/examine.h"
#include "cli/output.h"
#include "cli/session.h"
#include "gate/baseline.h"

namespace oldornew {

namespace {

// Marks what is accepted, judges anew, and notes what no longer needs to be.
void ApplyBaseline(const Baseline& baseline, Examination* done) {
  const std::vector<size_t> used = Accept(baseline, "", &done->result.findings);
  for (std::string& stale : StaleEntries(baseline, used))
    done->result.notes.push_back(std::move(stale));
  Report& report = done->report;
  report.judgement = Judge(*report.trace, report.search, report.rules);
}

}  // namespace

Result<ExitCode> RunCheck(const Options& options) {
  if (!options.scenarios.empty()) return RunScenarios(options);
  ASSIGN_OR_RETURN(SearchOptions search, MakeSearchOptions(options));
  ASSIGN_OR_RETURN(const auto targets, OpenReports(options, {"text", "json", "junit"}));
  std::optional<Baseline> baseline;
  if (!options.baseline.empty()) {  // read now: a mistake in it costs no run
    ASSIGN_OR_RETURN(baseline, ReadBaseline(options.baseline));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Examination> done, Examine(options, std::move(search)));
  if (baseline) ApplyBaseline(*baseline, done.get());
  Report& report = done->report;
  RETURN_IF_ERROR(WriteOutput(options, done->search, &report));
  for (const ReportTarget& target : targets) {
    ASSIGN_OR_RETURN(const ReportFormat format, ParseReportFormat(target.format));
    RETURN_IF_ERROR(WriteFile(target.path, RenderReport(report, format)));
  }
  if (!options.write_baseline.empty()) {
    const std::string text = kBaselineHead + WriteBaselineText("", done->result.findings);
    RETURN_IF_ERROR(WriteFile(options.write_baseline, text));
  }
  std::fputs((options.json ? JsonReport(report) : TextReport(report, WantColour())).c_str(),
             stdout);
  return report.judgement.exit_code;
}

}  // namespace oldornew
