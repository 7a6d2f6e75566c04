// check of scenarios: each is run and judged like a command, and held against what it says is true.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plan_of.h"
#include "cli/session.h"
#include "gate/baseline.h"
#include "gate/scenario.h"
#include "report/scenario_report.h"

namespace oldornew {

namespace {

using Clock = std::chrono::steady_clock;

// What a scenario has keys of its own for, or what belongs to the whole run.
constexpr const char* kNotInScenarios[] = {
    "dir",  "setup",  "trace",     "baseline", "write-baseline", "output",
    "json", "report", "scenarios", "help",     "version"};

struct Prepared {
  Scenario scenario;
  Options options;
};

std::vector<std::string> AsArguments(const ScenarioOption& option) {
  const std::string flag = "--" + option.name;
  if (option.values.empty()) return {flag};
  if (option.name == "together") {
    std::vector<std::string> out = {flag};
    out.insert(out.end(), option.values.begin(), option.values.end());
    return out;
  }
  std::vector<std::string> out;
  for (const std::string& value : option.values) out.push_back(flag + "=" + value);
  return out;
}

Result<Options> ParseArguments(std::vector<std::string> arguments,
                               const std::vector<std::string>& command, const AxisTable& axes) {
  arguments.insert(arguments.begin(), {"oldornew", "check"});
  arguments.emplace_back("--");
  arguments.insert(arguments.end(), command.begin(), command.end());
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  ASSIGN_OR_RETURN(ParsedCommandLine parsed,
                   ParseCommandLine(static_cast<int>(argv.size()), argv.data(), axes));
  return parsed.options;
}

// The options of the scenario, then those of our own command line that hold for all scenarios.
// Mistakes are noted one by one, since the parser stops at the first.
Options OptionsOf(const Scenario& scenario, const Options& ours, const AxisTable& axes,
                  TomlProblems* problems) {
  std::vector<std::string> all;
  for (const ScenarioOption& option : scenario.options) {
    const std::vector<std::string> arguments = AsArguments(option);
    const auto* own =
        std::find(std::begin(kNotInScenarios), std::end(kNotInScenarios), option.name);
    if (own != std::end(kNotInScenarios)) {
      problems->Add(scenario.file, option.line,
                    fmt::format("{} cannot be an option of a scenario", option.name));
    } else if (const auto parsed = ParseArguments(arguments, {"true"}, axes); !parsed) {
      problems->Add(scenario.file, option.line, parsed.error().message);
    } else {
      all.insert(all.end(), arguments.begin(), arguments.end());
    }
  }
  Options out =
      ParseArguments(all, scenario.run.empty() ? std::vector<std::string>{"true"} : scenario.run,
                     axes)
          .value();
  if (!scenario.setup.empty()) out.setup = "set -e\n" + scenario.setup;
  if (!ours.work_directory.empty()) out.work_directory = ours.work_directory;
  if (ours.jobs != 0) out.jobs = ours.jobs;
  if (ours.max_states != 0) out.max_states = ours.max_states;
  out.strict |= ours.strict;
  out.accept_bounded |= ours.accept_bounded;
  return out;
}

Result<std::vector<Prepared>> Prepare(const Options& options, const AxisTable& axes) {
  ASSIGN_OR_RETURN(std::vector<Scenario> scenarios, LoadScenarios(options.scenarios, axes));
  TomlProblems problems;
  std::vector<Prepared> out;
  for (Scenario& scenario : scenarios) {
    Options own = OptionsOf(scenario, options, axes, &problems);
    out.push_back({std::move(scenario), std::move(own)});
  }
  RETURN_IF_ERROR(problems.ToStatus());
  return out;
}

// Why the scenario cannot be run on this machine; empty: it can.
Result<std::string> WhySkipped(const Scenario& scenario) {
  const char* path = std::getenv("PATH");
  for (const std::string& program : scenario.needs) {
    if (!FindProgram(program, path == nullptr ? "" : path, "."))
      return program + " is not installed";
  }
  if (scenario.only_if.empty()) return std::string();
  ASSIGN_OR_RETURN(const TempDir temporary, TempDir::Create("oldornew-scenario-"));
  const std::string line = fmt::format("cd {} && exec sh -ec {} </dev/null >/dev/null 2>&1",
                                       ShellQuote(temporary.path()), ShellQuote(scenario.only_if));
  const int status = std::system(line.c_str());
  if (status == 0) return std::string();
  return fmt::format("{} fails here", Quote(scenario.only_if));
}

// The directory that is judged: the scenario's own, or one made of its [old].
Result<std::string> MakeDirectory(const Scenario& scenario, const std::string& temporary) {
  if (!scenario.directory.empty()) {
    const size_t slash = scenario.file.rfind('/');
    return JoinPath(slash == std::string::npos ? "." : scenario.file.substr(0, slash),
                    scenario.directory);
  }
  const std::string directory = JoinPath(temporary, "judged");
  RETURN_IF_ERROR(MakeDirectories(directory));
  RETURN_IF_ERROR(WriteTo(scenario.old, directory));
  return directory;
}

class Gate {
 public:
  Gate(const Options& options, Baseline baseline, const AxisTable& axes)
      : options_(options), baseline_(std::move(baseline)), axes_(axes) {}

  Result<ScenarioRun> CheckOne(const Prepared& prepared) {
    const Scenario& scenario = prepared.scenario;
    ScenarioRun run;
    run.name = scenario.name;
    run.file = scenario.file;
    run.command = scenario.run;
    ASSIGN_OR_RETURN(run.skipped, WhySkipped(scenario));
    if (!run.skipped.empty()) {
      run.state = ScenarioRun::State::kSkipped;
      return run;
    }
    const Clock::time_point start = Clock::now();
    ASSIGN_OR_RETURN(const TempDir temporary, TempDir::Create("oldornew-scenario-"));
    Options own = prepared.options;
    ASSIGN_OR_RETURN(own.directory, MakeDirectory(scenario, temporary.path()));
    ASSIGN_OR_RETURN(CheckPlan plan, PlanOf(own));
    const SearchSpace space = plan.space;
    const WatchOptions watch = plan.question.watch;
    const auto done = Check(std::move(plan), axes_);
    run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!done) {
      const ExitCode code = done.error().exit_code;
      if (code == ExitCode::kInterrupted || code == ExitCode::kInternal)
        return tl::unexpected(done.error());
      run.state = ScenarioRun::State::kDiffers;
      run.judgement.exit_code = code;
      run.judgement.verdict = Verdict::kUnsupported;
      run.differences = {done.error().message};
      return run;
    }
    Report report{done->get(), {}, {}};
    Compare(scenario, done->get(), &run);
    if (run.differences.empty()) return run;
    run.state = ScenarioRun::State::kDiffers;
    own.output = JoinPath(options_.output, scenario.name);
    RETURN_IF_ERROR(MakeDirectories(options_.output));
    RETURN_IF_ERROR(WriteOutput(own, space.table, watch, &report));
    if (!report.report_path.empty()) run.bundles = own.output;
    return run;
  }

  std::vector<std::string> StaleBaselineEntries() {
    std::sort(used_.begin(), used_.end());
    return StaleEntries(baseline_, used_);
  }

 private:
  void Compare(const Scenario& scenario, CheckResult* done, ScenarioRun* run) {
    const std::vector<size_t> used = Accept(baseline_, scenario.name, &done->findings);
    used_.insert(used_.end(), used.begin(), used.end());
    done->JudgeAgain();
    run->judgement = done->judgement;
    run->findings = done->findings;
    run->profiles = done->profiles;

    CheckAnswer answer{done->judgement.verdict, done->judgement.reasons, {}, run->profiles};
    for (const AxisResult& axis : done->axes) {
      if (axes_.IsKey(axis.axis)) answer.profiles.push_back(axis.axis);
    }
    for (const Finding& finding : run->findings) {
      if (finding.accepted.empty()) answer.findings.push_back(finding);
    }
    run->differences = Differences(scenario.expect, answer);
  }

  const Options& options_;
  Baseline baseline_;
  const AxisTable& axes_;
  std::vector<size_t> used_;
};

std::string Render(const ScenarioSummary& summary, const std::string& format) {
  if (format == "json") return ScenarioJson(summary);
  if (format == "junit") return ScenarioJunit(summary);
  if (format == "table") return ScenarioTable(summary);
  std::string out;
  for (const ScenarioRun& run : summary.runs) out += ScenarioLine(run, false);
  return out + ScenarioTotals(summary);
}

}  // namespace

Result<ExitCode> RunScenarios(const Options& options, const AxisTable& axes) {
  ASSIGN_OR_RETURN(const auto targets, OpenReports(options, {"text", "json", "junit", "table"}));
  ASSIGN_OR_RETURN(const std::vector<Prepared> all, Prepare(options, axes));
  Baseline baseline;
  if (!options.baseline.empty()) {
    ASSIGN_OR_RETURN(baseline, ReadBaseline(options.baseline, axes));
  }
  Gate gate(options, std::move(baseline), axes);
  const Clock::time_point start = Clock::now();
  ScenarioSummary summary;
  std::string new_baseline = kBaselineHead;
  for (const Prepared& one : all) {
    ASSIGN_OR_RETURN(ScenarioRun run, gate.CheckOne(one));
    if (!options.json) {
      std::fputs(ScenarioLine(run, WantColour()).c_str(), stdout);
      std::fflush(stdout);
    }
    new_baseline += WriteBaselineText(run.name, run.findings);
    summary.runs.push_back(std::move(run));
  }
  summary.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (!options.json) {
    for (const std::string& stale : gate.StaleBaselineEntries())
      std::printf("note  %s\n", stale.c_str());
  }
  std::fputs((options.json ? ScenarioJson(summary) : ScenarioTotals(summary)).c_str(), stdout);
  for (const ReportTarget& target : targets)
    RETURN_IF_ERROR(WriteFile(target.path, Render(summary, target.format)));
  if (!options.write_baseline.empty())
    RETURN_IF_ERROR(WriteFile(options.write_baseline, new_baseline));
  return ScenarioExitCode(summary);
}

}  // namespace oldornew
