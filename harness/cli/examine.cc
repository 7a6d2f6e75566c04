#include "cli/examine.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "base/text.h"
#include "cli/session.h"
#include "rerun/fault.h"
#include "rerun/kill.h"
#include "rerun/next_run.h"
#include "rerun/vary.h"

namespace oldornew {

namespace {

using Clock = std::chrono::steady_clock;

// A probe costs a process; a judgement in memory costs microseconds.
constexpr uint64_t kDefaultStates = 50'000;
constexpr uint64_t kDefaultProbedStates = 5'000;

// What one state costs grows with the pages of the files in it. So many pages are looked at for
// each profile and subject: a few seconds' worth.
constexpr uint64_t kDefaultPages = 4'000'000;

// The default bound for this trace, when none was given.
uint64_t DefaultStates(const Trace& trace, uint64_t at_most) {
  uint64_t largest = 0;
  for (size_t i = 0; i < trace.old_tree.size(); ++i)
    largest = std::max(largest, trace.old_tree.at(static_cast<InodeIndex>(i)).content.size());
  for (const Op& op : trace.ops) largest = std::max(largest, op.size_after);
  return std::min(at_most, std::max<uint64_t>(100, kDefaultPages / (largest / kPageSize + 1)));
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool Probed(const Options& options) {
  return !options.view_command.empty() || !options.check_command.empty();
}

unsigned JobsOf(const Options& options) {
  return options.jobs > 0 ? static_cast<unsigned>(options.jobs)
                          : std::max(1u, std::thread::hardware_concurrency());
}

// One sandbox for each thread. They lie in memory where that is to be had: recovering databases
// sync much, and what a disk would do then is no part of the question.
Result<std::vector<Sandbox>> MakeProbeSandboxes(const Options& options,
                                                const Recording& recording) {
  if (recording.sandbox == nullptr) {
    return FailWith(ExitCode::kUsage,
                    "--view and --check need a run; they cannot be asked of a saved trace");
  }
  SandboxSpec spec = SandboxSpecOf(options);
  if (spec.work_parent.empty() && access("/dev/shm", W_OK | X_OK) == 0)
    spec.work_parent = "/dev/shm";
  KeepVisible({"sh", "-c", options.view_command, options.check_command}, &spec);
  std::vector<Sandbox> out;
  for (unsigned i = 0; i < JobsOf(options); ++i) {
    ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(spec));
    out.push_back(std::move(sandbox));
  }
  return out;
}

// Adds what the exploration of one axis found; indices of runs move behind those that are there.
template <typename Part>
void Take(Part part, Axis axis, Examination* out) {
  const auto offset = static_cast<int>(out->further.size());
  for (FurtherRun& run : part.runs) out->further.push_back(std::move(run));
  for (Finding& finding : part.findings) {
    if (finding.run >= 0) finding.run += offset;
    finding.axis = axis;
    for (auto& [outcome, profiles] : finding.outcomes) {
      if (profiles.empty()) profiles = {AxisName(axis)};
    }
    out->result.findings.push_back(std::move(finding));
  }
  out->result.notes.insert(out->result.notes.end(), part.notes.begin(), part.notes.end());
}

// Sandboxes for runs side by side: in memory, where runs are fast and disks can be full. None where
// that is not to be had.
Result<std::vector<Sandbox>> MakeRerunSandboxes(const Options& options) {
  SandboxSpec spec = SandboxSpecOf(options);
  spec.in_memory = true;
  spec.start_empty = true;
  KeepVisible(options.command, &spec);
  std::vector<Sandbox> out;
  for (unsigned i = 0; i < JobsOf(options); ++i) {
    auto sandbox = Sandbox::Create(spec);
    if (!sandbox && sandbox.error().exit_code == ExitCode::kInterrupted)
      return tl::unexpected(std::move(sandbox).error());
    if (!sandbox) break;
    out.push_back(std::move(*sandbox));
  }
  return out;
}

// What all axes with further runs need: sandboxes that are alike, and the probes of --view and
// --check.
struct Means {
  std::vector<Sandbox*> sandboxes;  ///< at least one
  const std::vector<ProbeSet>& probes;
  std::vector<StartState> starts;  ///< of next runs: what faults left
};

// ---- one function for each axis beside power

Status Vary(const Options& options, Examination* out) {
  VarySpec spec{RunSpecOf(options), out->search};
  spec.search.watch = {};
  spec.search.kill = false;  // what kills leave is much the same whatever was there before
  spec.power = !Probed(options) && options.axes.contains(Axis::kPower);
  if (Probed(options))
    out->result.notes.push_back("power cuts were explored from the plain old state only");
  ASSIGN_OR_RETURN(VaryResult varied,
                   VaryOldState(*out->recording.sandbox, out->recording.trace, out->result, spec));
  out->report.axes.push_back({Axis::kOldStates, varied.runs.size(), varied.exhaustive, {}});
  if (!varied.exhaustive) {
    out->result.bounds.emplace_back(
        "from other old states not all states that power cuts leave were visited: raise "
        "--max-states");
  }
  Take(std::move(varied), Axis::kOldStates, out);
  return {};
}

// What the search itself has explored.
void ReportSearch(const Options& options, Examination* out) {
  if (options.axes.contains(Axis::kPower)) {
    const Coverage& coverage = out->result.coverage;
    out->report.axes.push_back({Axis::kPower, coverage.states_visited, coverage.exhaustive, {}});
  }
  if (options.axes.contains(Axis::kKill)) {
    const KillCount& kills = out->result.kills;
    out->report.axes.push_back({Axis::kKill, kills.moments, kills.exhaustive,
                                Count(kills.moments, "moment") + " of the run"});
    if (!kills.exhaustive)
      out->result.bounds.emplace_back("not every moment of a kill was judged: raise --max-states");
  }
}

// What the search has not said of kills: one process of several, and signals that can be handled.
Status Kill(const Options& options, const Means& means, Examination* out) {
  KillSpec spec;
  spec.run = RunSpecOf(options);
  spec.search = out->search;
  spec.search.probes = means.probes;
  for (const Finding& finding : out->result.findings) {
    if (finding.axis != Axis::kKill) continue;
    for (const FindingSubject& subject : finding.subjects) spec.known.insert(subject.path);
  }
  ASSIGN_OR_RETURN(KillResult kills,
                   KillProcesses(*means.sandboxes.front(), out->recording.trace, spec));
  for (AxisReport& axis : out->report.axes) {
    if (axis.axis != Axis::kKill) continue;
    axis.cases += kills.killed + kills.signalled;
    axis.exhaustive = axis.exhaustive && kills.bounds.empty();
    axis.text += fmt::format(", one process alone {}, SIGTERM or SIGINT {}",
                             Count(kills.killed, "time"), Count(kills.signalled, "time"));
  }
  out->result.bounds.insert(out->result.bounds.end(), kills.bounds.begin(), kills.bounds.end());
  Take(std::move(kills), Axis::kKill, out);
  return {};
}

Status RunNext(const Options& options, const Means& means, Examination* out) {
  const auto asked = [&](const char* what) {
    return std::find(options.next_run.begin(), options.next_run.end(), what) !=
           options.next_run.end();
  };
  NextRunSpec spec;
  spec.run = RunSpecOf(options);
  if (!options.recover.empty()) spec.recover = {"sh", "-c", options.recover};
  spec.search = out->search;
  spec.search.probes = means.probes;
  spec.after_power_cut = asked("power");
  spec.starts = means.starts;
  const bool faults = options.axes.contains(Axis::kFaults);
  spec.after_kill =
      asked("kill") || options.axes.contains(Axis::kKill) || (!spec.after_power_cut && !faults);
  ASSIGN_OR_RETURN(NextRunResult next,
                   RunAgainFromEveryState(*means.sandboxes.front(), out->recording.trace, spec));
  out->report.axes.push_back({Axis::kNextRun, next.states, next.exhaustive,
                              "the command again from " + Count(next.states, "distinct state")});
  out->result.bounds.insert(out->result.bounds.end(), next.bounds.begin(), next.bounds.end());
  Take(std::move(next), Axis::kNextRun, out);
  return {};
}

Status Inject(const Options& options, Means& means, Examination* out) {
  FaultSpec spec;
  spec.run = RunSpecOf(options);
  spec.search = out->search;
  spec.search.probes = means.probes;
  spec.all_errors = options.all_faults;
  spec.depth = options.fault_depth;
  spec.most_runs = options.max_faults;
  spec.by_hand = options.inject;
  // Who waits at a terminal wants to know for how long.
  const double once = static_cast<double>(out->recording.trace.duration_ns) / 1e9;
  if (isatty(STDERR_FILENO) != 0 && !options.quiet) {
    spec.announce = [once](uint64_t cases) {
      fmt::print(stderr, "faults     {} to try; one run takes {:.2f} s\n", Count(cases, "case"),
                 once);
    };
  }
  ASSIGN_OR_RETURN(FaultResult faults,
                   InjectFaults(means.sandboxes, out->recording.trace, out->result, spec));
  out->report.axes.push_back({Axis::kFaults, faults.cases, faults.exhaustive, faults.summary});
  out->result.bounds.insert(out->result.bounds.end(), faults.bounds.begin(), faults.bounds.end());
  for (FaultEnd& end : faults.ends)
    means.starts.push_back(
        {std::move(end.tree), std::move(end.scene), std::move(end.id), Axis::kFaults, false});
  Take(std::move(faults), Axis::kFaults, out);
  return {};
}

// What needs further runs cannot be asked of a saved trace: an error only for what was asked for by
// name.
Status CanRunAgain(const Options& options, Examination* out) {
  std::set<Axis> lost;
  for (const Axis axis : {Axis::kFaults, Axis::kNextRun}) {
    if (options.axes.contains(axis)) lost.insert(axis);
    if (options.named.contains(axis) || options.vary_old) {
      return FailWith(ExitCode::kUsage,
                      "{} needs a run; it cannot be asked of a saved trace or a log",
                      options.vary_old ? "--vary-old" : AxisName(axis));
    }
  }
  if (!lost.empty())
    out->result.notes.push_back(
        fmt::format("not explored, since there is no run: {}", AxisNames(lost)));
  return {};
}

// The other axes. A recorded run without a verdict has nothing that further runs could be compared
// with.
Status ExploreFurther(const Options& options, const std::vector<ProbeSet>& probes,
                      Examination* out) {
  if (!HasAnswer(out->report.judgement.verdict)) return {};
  if (out->recording.sandbox == nullptr) {
    RETURN_IF_ERROR(CanRunAgain(options, out));
  } else {
    const bool runs = options.axes != std::set<Axis>{Axis::kPower};
    std::vector<Sandbox> own;
    if (runs) {
      ASSIGN_OR_RETURN(own, MakeRerunSandboxes(options));
    }
    Means means{{}, probes, {}};
    for (Sandbox& sandbox : own) means.sandboxes.push_back(&sandbox);
    if (own.empty()) means.sandboxes.push_back(out->recording.sandbox.get());
    if (options.axes.contains(Axis::kFaults)) RETURN_IF_ERROR(Inject(options, means, out));
    if (options.vary_old) RETURN_IF_ERROR(Vary(options, out));
    if (options.axes.contains(Axis::kKill)) RETURN_IF_ERROR(Kill(options, means, out));
    if (options.axes.contains(Axis::kNextRun)) RETURN_IF_ERROR(RunNext(options, means, out));
    if (!out->further.empty()) out->report.further = &out->further;
  }
  out->report.judgement = Judge(out->recording.trace, &out->result, out->report.rules);
  return {};
}

}  // namespace

Result<SearchOptions> MakeSearchOptions(const Options& options) {
  SearchOptions search;
  ASSIGN_OR_RETURN(const ChosenProfiles profiles, ChooseProfiles(options));
  search.table = profiles.table;
  search.profiles = profiles.asked;
  search.pedantic = profiles.pedantic;
  search.limits.max_states = options.max_states != 0 ? options.max_states
                             : Probed(options)       ? kDefaultProbedStates
                                                     : kDefaultStates;
  search.limits.grain = options.grain;
  search.watch.watch = options.watch;
  if (!options.together.empty()) search.watch.together = {options.together};
  ASSIGN_OR_RETURN(search.ack, ParseAck(options.ack, options.ack_given, options.ack_fd));
  search.durable_is_error =
      search.ack.kind == AckRule::Kind::kLine || (options.ack_given && options.ack == "exit");
  if (!options.ok_exit.empty()) search.ack.ok_exit = options.ok_exit;
  search.ack.strict_versions = options.versions == "endpoints";
  if (!options.expect.empty()) {
    ASSIGN_OR_RETURN(search.expect, ParseOracles(options.expect));
  }
  search.allowed = options.allow;
  const auto contained = std::find(search.expect.begin(), search.expect.end(), Oracle::kContained);
  if (!options.allow.empty() && contained == search.expect.end())
    search.expect.push_back(Oracle::kContained);
  if (!options.volatile_globs.empty()) search.volatile_globs = options.volatile_globs;
  search.jobs = options.jobs;
  search.power = options.axes.contains(Axis::kPower);
  search.kill = options.axes.contains(Axis::kKill);
  return search;
}

Result<std::unique_ptr<Examination>> Examine(const Options& options, SearchOptions search) {
  const Clock::time_point start = Clock::now();
  auto out = std::make_unique<Examination>();
  out->search = std::move(search);
  ASSIGN_OR_RETURN(out->recording, ObtainTrace(options));
  const Trace& trace = out->recording.trace;
  if (options.max_states == 0) {
    uint64_t& bound = out->search.limits.max_states;
    bound = DefaultStates(trace, bound);
  }
  Report& report = out->report;
  report.trace = &trace;
  report.profile_table = out->search.table.Version();
  report.rules.strict = options.strict;
  report.rules.accept_bounded = options.accept_bounded;
  report.rules.ok_exit = out->search.ack.ok_exit;
  report.judgement = Judge(trace, nullptr, report.rules);
  if (report.judgement.verdict == Verdict::kClean) {
    std::vector<Sandbox> sandboxes;
    if (Probed(options)) {
      ASSIGN_OR_RETURN(sandboxes, MakeProbeSandboxes(options, out->recording));
      for (Sandbox& sandbox : sandboxes) {
        out->search.probes.push_back(
            {MakeProbe(&sandbox, options.view_command, options.timeout_seconds),
             MakeProbe(&sandbox, options.check_command, options.timeout_seconds)});
      }
    }
    const Clock::time_point explore_start = Clock::now();
    {
      // Without probes nothing runs meanwhile, and nobody would look whether a signal has come.
      std::optional<InterruptsKill> killable;
      if (!Probed(options)) killable.emplace();
      ASSIGN_OR_RETURN(out->result, Search(trace, out->search));
    }
    // their sandboxes go below
    const std::vector<ProbeSet> probes = std::exchange(out->search.probes, {});
    report.explore_seconds = SecondsSince(explore_start);
    report.search = &out->result;
    report.judgement = Judge(trace, &out->result, report.rules);
    ReportSearch(options, out.get());
    RETURN_IF_ERROR(ExploreFurther(options, probes, out.get()));
  }
  report.seconds = SecondsSince(start);
  return out;
}

}  // namespace oldornew
