// check: record, explore, judge, report.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "finding/bundle.h"
#include "report/report.h"
#include "run/copy_tree.h"
#include "trace/format.h"

namespace oldornew {

namespace {

using Clock = std::chrono::steady_clock;

// A probe costs a process; a judgement in memory costs microseconds.
constexpr uint64_t kDefaultStates = 50'000;
constexpr uint64_t kDefaultProbedStates = 5'000;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool Probed(const Options& options) {
  return !options.view_command.empty() || !options.check_command.empty();
}

// One sandbox for each thread. They lie in memory where that is to be had: recovering databases sync much,
// and what a disk would do then is no part of the question.
Result<std::vector<Sandbox>> MakeProbeSandboxes(const Options& options, const Recording& recording) {
  if (recording.sandbox == nullptr) {
    return FailWith(ExitCode::kUsage, "--view and --check need a run; they cannot be asked of a saved trace");
  }
  SandboxSpec spec;
  spec.directory = options.directory;
  spec.also_directories = options.also_directories;
  spec.work_parent = options.work_directory;
  if (spec.work_parent.empty() && access("/dev/shm", W_OK | X_OK) == 0) spec.work_parent = "/dev/shm";
  KeepVisible({"sh", "-c", options.view_command, options.check_command}, &spec);
  const unsigned processors = std::max(1u, std::thread::hardware_concurrency());
  const unsigned jobs = options.jobs > 0 ? static_cast<unsigned>(options.jobs) : processors;
  std::vector<Sandbox> out;
  for (unsigned i = 0; i < jobs; ++i) {
    ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(spec));
    out.push_back(std::move(sandbox));
  }
  return out;
}

struct ReportTarget {
  ReportFormat format;
  std::string path;
};

// Opened before the run starts, so that a wrong path costs no run.
Result<std::vector<ReportTarget>> OpenReports(const Options& options) {
  std::vector<ReportTarget> out;
  for (const std::string& spec : options.reports) {
    const size_t equals = spec.find('=');
    if (equals == std::string::npos || equals + 1 == spec.size()) {
      return FailWith(ExitCode::kUsage, "--report {}: expected FORMAT=PATH", Quote(spec));
    }
    ASSIGN_OR_RETURN(const ReportFormat format, ParseReportFormat(spec.substr(0, equals)));
    out.push_back({format, spec.substr(equals + 1)});
    if (auto written = WriteFile(out.back().path, ""); !written) {
      return FailWith(ExitCode::kUsage, "--report: {}", written.error().message);
    }
  }
  return out;
}

Result<SearchOptions> MakeSearchOptions(const Options& options) {
  SearchOptions search;
  ASSIGN_OR_RETURN(const ChosenProfiles profiles, ChooseProfiles(options));
  search.profiles = profiles.asked;
  search.pedantic = profiles.pedantic;
  const bool probed = !options.view_command.empty() || !options.check_command.empty();
  search.limits.max_states = options.max_states != 0 ? options.max_states
                             : probed                ? kDefaultProbedStates
                                                     : kDefaultStates;
  search.limits.grain = options.grain;
  search.watch.watch = options.watch;
  if (!options.together.empty()) search.watch.together = {options.together};
  ASSIGN_OR_RETURN(search.ack, ParseAck(options.ack));
  search.durable_is_error =
      search.ack.kind == AckRule::Kind::kLine || (options.ack_given && options.ack == "exit");
  if (!options.ok_exit.empty()) search.ack.ok_exit = options.ok_exit;
  search.ack.strict_versions = options.versions == "endpoints";
  if (!options.expect.empty()) {
    ASSIGN_OR_RETURN(search.expect, ParseOracles(options.expect));
  }
  if (!options.volatile_globs.empty()) search.volatile_globs = options.volatile_globs;
  search.jobs = options.jobs;
  return search;
}

std::vector<std::string> PlacesOf(const Trace& trace, const SearchOptions& search,
                                  const std::string& subject_name, bool* whole_directory) {
  const auto subjects = ChooseSubjects(trace, search.watch);
  std::vector<std::string> out;
  for (const Subject& subject : subjects ? *subjects : std::vector<Subject>{}) {
    if (subject.name != subject_name) continue;
    *whole_directory = subject.whole_directory;
    for (const Place& place : subject.places) out.push_back(ShowPlace(trace, place));
  }
  return out;
}

// Our own folder is marked, so that the next check does not copy it into its sandbox; a folder the user had
// is left as it is.
Status MakeOutputFolder(const std::string& path) {
  const bool existed = access(path.c_str(), F_OK) == 0;
  RETURN_IF_ERROR(MakeDirectories(path));
  return existed ? Status{} : WriteFile(JoinPath(path, kOutputMarker), "");
}

// Bundles, trace and JSON report go to one folder, which is made only when there is something to keep.
Status WriteOutput(const Options& options, const SearchOptions& search, Report* report) {
  const bool findings = report->search != nullptr && !report->search->findings.empty();
  if (!findings && !options.output_given) return {};
  RETURN_IF_ERROR(MakeOutputFolder(options.output));
  RETURN_IF_ERROR(WriteTrace(*report->trace, JoinPath(options.output, "run.trace")));
  for (const Finding& finding : findings ? report->search->findings : std::vector<Finding>{}) {
    BundleHeader header;
    header.token = finding.token;
    header.oracle = OracleName(finding.oracle);
    header.path = finding.path;
    header.outcome = OutcomeName(finding.shown);
    header.message = finding.message;
    header.ack = options.ack;
    header.view = options.view_command;
    header.check = options.check_command;
    header.watch = PlacesOf(*report->trace, search, finding.path, &header.whole_directory);
    const std::string id = HashBytes(finding.token + header.oracle + finding.path).Short();
    const std::string path = JoinPath(options.output, id + ".crash");
    RETURN_IF_ERROR(WriteFile(path, EncodeBundle(header, *report->trace)));
    report->bundles.push_back(path);
  }
  report->report_path = JoinPath(options.output, "report.json");
  return WriteFile(report->report_path, JsonReport(*report));
}

}  // namespace

Result<ExitCode> RunCheck(const Options& options) {
  const Clock::time_point start = Clock::now();
  ASSIGN_OR_RETURN(SearchOptions search, MakeSearchOptions(options));
  ASSIGN_OR_RETURN(const auto targets, OpenReports(options));
  ASSIGN_OR_RETURN(Recording recording, ObtainTrace(options));
  const Trace& trace = recording.trace;
  Report report;
  report.trace = &trace;
  report.rules.strict = options.strict;
  report.rules.accept_bounded = options.accept_bounded;
  report.rules.ok_exit = search.ack.ok_exit;
  report.judgement = Judge(trace, nullptr, report.rules);
  SearchResult result;
  std::vector<Sandbox> sandboxes;
  if (report.judgement.verdict == Verdict::kClean) {
    if (Probed(options)) {
      ASSIGN_OR_RETURN(sandboxes, MakeProbeSandboxes(options, recording));
      for (Sandbox& sandbox : sandboxes) {
        search.probes.push_back({MakeProbe(&sandbox, options.view_command, options.timeout_seconds),
                                 MakeProbe(&sandbox, options.check_command, options.timeout_seconds)});
      }
    }
    const Clock::time_point explore_start = Clock::now();
    ASSIGN_OR_RETURN(result, Search(trace, search));
    report.explore_seconds = SecondsSince(explore_start);
    report.search = &result;
    report.judgement = Judge(trace, &result, report.rules);
  }
  report.seconds = SecondsSince(start);
  RETURN_IF_ERROR(WriteOutput(options, search, &report));
  for (const ReportTarget& target : targets)
    RETURN_IF_ERROR(WriteFile(target.path, RenderReport(report, target.format)));
  std::fputs((options.json ? JsonReport(report) : TextReport(report, WantColour())).c_str(), stdout);
  return report.judgement.exit_code;
}

}  // namespace oldornew
