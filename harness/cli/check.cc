// check: record, explore, judge, report.
#include "check/check.h"

#include <cstdio>
#include <optional>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_of.h"
#include "cli/session.h"
#include "gate/baseline.h"

namespace oldornew {

namespace {

// Marks what is accepted, judges anew, and notes what no longer needs to be.
void ApplyBaseline(const Baseline& baseline, CheckResult* done) {
  const std::vector<size_t> used = Accept(baseline, "", &done->findings);
  for (std::string& stale : StaleEntries(baseline, used)) done->notes.push_back(std::move(stale));
  done->JudgeAgain();
}

}  // namespace

Result<ExitCode> RunCheck(const Options& options, const AxisTable& axes) {
  if (!options.scenarios.empty()) return RunScenarios(options, axes);
  ASSIGN_OR_RETURN(CheckPlan plan, PlanOf(options));
  ASSIGN_OR_RETURN(const auto targets, OpenReports(options, {"text", "json", "junit"}));
  std::optional<Baseline> baseline;
  if (!options.baseline.empty()) {  // read now: a mistake in it costs no run
    ASSIGN_OR_RETURN(baseline, ReadBaseline(options.baseline, axes));
  }

  const SearchSpace space = plan.space;  // its rows go into the bundles
  const WatchOptions watch = plan.question.watch;
  ASSIGN_OR_RETURN(const std::unique_ptr<CheckResult> done, Check(std::move(plan), axes));
  if (baseline) ApplyBaseline(*baseline, done.get());

  Report report{done.get(), {}, {}};
  RETURN_IF_ERROR(WriteOutput(options, space.table, watch, &report));
  for (const ReportTarget& target : targets) {
    ASSIGN_OR_RETURN(const ReportFormat format, ParseReportFormat(target.format));
    RETURN_IF_ERROR(WriteFile(target.path, RenderReport(report, format)));
  }
  if (!options.write_baseline.empty()) {
    const std::string text = kBaselineHead + WriteBaselineText("", done->findings);
    RETURN_IF_ERROR(WriteFile(options.write_baseline, text));
  }
  std::fputs((options.json ? JsonReport(report) : TextReport(report, WantColour())).c_str(),
             stdout);
  return done->judgement.exit_code;
}

}  // namespace oldornew
