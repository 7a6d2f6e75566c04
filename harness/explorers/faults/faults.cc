#include "explorers/faults/faults.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <thread>

#include "base/text.h"
#include "explorers/faults/fault_case.h"
#include "explorers/faults/fault_findings.h"
#include "explorers/faults/plain_runs.h"
#include "explorers/faults/power_after_faults.h"
#include "explorers/faults/trial.h"
#include "lab/litter_growth.h"
#include "lab/run_words.h"

namespace oldornew {

namespace {

constexpr const char* kAxis = "faults";
constexpr int kMostHangs = 3;  // waited for at full length
constexpr uint64_t kLongStall = 5'000'000'000;

struct WayNames {
  const char* data;   ///< InjectedCall::way
  const char* words;  ///< in the summary, after a number
};

const WayNames& NamesOf(FaultWay way) {
  static constexpr WayNames kNames[kFaultWays] = {
      {"once", "with a single error"},
      {"from-then-on", "with a permanent error"},
      {"though-done", "with an error after the call took effect"},
      {"short", "with a short count"},
      {"filling", "on a disk that fills up"},
      {"full-disk", "on a full disk"},
      {"by-hand", "by --inject"},
  };
  return kNames[static_cast<size_t>(way)];
}

InjectedCall InjectedOf(const PlannedFault& planned, const FileCall& call) {
  const FaultCase& fault = planned.fault;
  const int error = fault.error != 0 ? fault.error
                    : call.told < 0  ? static_cast<int>(-call.told)
                                     : 0;
  return {call.call,
          call.path,
          call.path2,
          error == 0 ? std::string() : ErrnoName(error),
          NamesOf(fault.way).data,
          fault.plan.empty() || fault.call < 0 ? 0 : fault.plan.back().first};
}

// The first few of a list.
std::string Some(const std::vector<std::string>& all) {
  constexpr size_t kMost = 5;
  if (all.size() <= kMost) return Join(all, ", ");
  return fmt::format("{} and {} more", Join({all.begin(), all.begin() + kMost}, ", "),
                     all.size() - kMost);
}

// What happened, in numbers.
struct Counts {
  std::array<uint64_t, kFaultWays> tried{};
  std::array<bool, kFaultWays> hung{};
  int hangs = 0;
  uint64_t skipped = 0;
  uint64_t unmet = 0;
  uint64_t cases = 0;
  std::vector<std::string> diverged;  ///< what was meant

  // A program that hung three times is not waited for again where it hung.
  bool GivenUp(FaultWay way) const { return hangs >= kMostHangs && hung[static_cast<size_t>(way)]; }

  std::string Words() const {
    std::vector<std::string> parts;
    for (size_t way = 0; way < tried.size(); ++way) {
      if (tried[way] > 0)
        parts.push_back(
            fmt::format("{} {}", tried[way], NamesOf(static_cast<FaultWay>(way)).words));
    }
    if (unmet > 0) parts.push_back(fmt::format("{} met nothing", unmet));
    if (!diverged.empty()) parts.push_back(fmt::format("{} took another path", diverged.size()));
    return fmt::format("{} with a fault: {}", Count(cases, "run"), Join(parts, ", "));
  }
};

// One exploration.
class Session {
 public:
  Session(const Given& given, const FaultOptions& options)
      : given_(given), options_(options), plain_runs_(given), power_(given, plain_runs_) {}

  Result<Exploration> Run() {
    std::vector<PlannedFault> level;
    if (!options_.by_hand.empty()) {
      ASSIGN_OR_RETURN(FaultCase fault, ParseFaultCase(options_.by_hand));
      level.push_back({std::move(fault), nullptr, {}, {}});
    }

    ASSIGN_OR_RETURN(const std::string why, plain_runs_.MakeSurvey());
    if (!why.empty()) {
      out_.bounds.push_back("no call was made to fail, since a second run from the same state " +
                            why);
      out_.words = "not explored";
      return std::move(out_);
    }
    growth_.emplace(given_.lab, plain_runs_.patterns());

    if (options_.by_hand.empty()) level = FirstLevel();
    for (int depth = 1; !level.empty(); ++depth) {
      next_level_.clear();
      deeper_ = depth < options_.depth;
      if (options_.announce)
        options_.announce(std::min<uint64_t>(level.size(), options_.most_runs - counts_.cases));
      RETURN_IF_ERROR(TryAll(std::move(level)));
      level = std::move(next_level_);
    }
    Finish();
    return std::move(out_);
  }

 private:
  const Trace& plain() const { return given_.plain; }
  const PathPatterns& patterns() const { return plain_runs_.patterns(); }

  std::vector<PlannedFault> FirstLevel() {
    CaseOptions options;
    options.all_errors = options_.all_errors;
    options.full_disks = given_.lab.CanFillDisks();
    if (!options.full_disks)
      out_.notes.emplace_back("full disks were not tried: they need a sandbox in memory");

    FaultCases cases = MakeFaultCases(*plain_runs_.survey(), patterns(), options);
    if (cases.left_out > 0) {
      out_.notes.push_back(
          fmt::format("of calls that are alike, the first, the last and some between were made to "
                      "fail; {} were "
                      "left out",
                      cases.left_out));
    }
    std::vector<PlannedFault> out;
    for (FaultCase& fault : cases.cases)
      out.push_back({std::move(fault), plain_runs_.survey(), {}, {}});
    return out;
  }

  // ---- runs

  // Several sandboxes work side by side; what they found is looked at in the order of the cases.
  Status TryAll(std::vector<PlannedFault> cases) {
    if (counts_.cases + cases.size() > options_.most_runs) {
      out_.bounds.push_back(fmt::format("{} of {} faults were tried: raise --max-faults",
                                        options_.most_runs, counts_.cases + cases.size()));
      cases.resize(options_.most_runs - counts_.cases);
    }

    for (size_t begin = 0; begin < cases.size();) {
      std::vector<size_t> batch;
      while (begin < cases.size() && batch.size() < given_.lab.size()) {
        const size_t index = begin++;
        if (counts_.GivenUp(cases[index].fault.way)) {
          ++counts_.skipped;
        } else {
          batch.push_back(index);
        }
      }
      RETURN_IF_ERROR(TryBatch(cases, batch));
    }
    return {};
  }

  Status TryBatch(const std::vector<PlannedFault>& cases, const std::vector<size_t>& batch) {
    std::vector<Result<Trial>> tried(batch.size(), Trial{});
    const auto work = [&](size_t i) {
      tried[i] = TryFault(given_.lab, i, plain(), patterns(), cases[batch[i]], deeper_);
    };
    std::vector<std::thread> threads;
    for (size_t i = 1; i < batch.size(); ++i) threads.emplace_back(work, i);
    if (!batch.empty()) work(0);
    for (std::thread& thread : threads) thread.join();

    for (size_t i = 0; i < batch.size(); ++i) {
      if (!tried[i]) return tl::unexpected(std::move(tried[i]).error());
      RETURN_IF_ERROR(Take(cases[batch[i]], std::move(*tried[i])));
    }
    return {};
  }

  // ---- what came out

  Status Take(const PlannedFault& planned, Trial trial) {
    ++counts_.cases;
    ++counts_.tried[static_cast<size_t>(planned.fault.way)];
    if (trial.diverged) {
      const FileCall& meant = planned.base->file_calls[static_cast<size_t>(planned.fault.call)];
      counts_.diverged.push_back(
          fmt::format("{} at {}", planned.fault.fault, CallText(*planned.base, meant)));
    }
    if (!trial.trace) {
      out_.bounds.push_back(fmt::format("with {} the command could not be run: {}",
                                        planned.fault.fault, trial.problem));
      return {};
    }
    if (trial.failed_call == nullptr) {
      if (planned.fault.way == FaultWay::kByHand) {
        out_.bounds.emplace_back(
            "the run met nothing of what was to be injected: no call fits, or not so often");
      }
      ++counts_.unmet;
      return {};
    }

    FaultScene scene = SceneOf(planned, trial);
    if (!CanBeJudged(planned, &trial, scene)) return {};
    return JudgeRun(planned, std::move(trial), std::move(scene));
  }

  FaultScene SceneOf(const PlannedFault& planned, const Trial& trial) const {
    const FaultCase& fault = planned.fault;
    const std::vector<std::string> plan = PlanTexts(fault);
    FaultScene out;
    out.trace = &*trial.trace;
    out.failed_call = trial.failed_call;
    out.error = fault.error;
    out.id = RunIdOf("fault", plan);
    out.call = CallText(*trial.trace, *trial.failed_call);
    out.title = fault.space ? fmt::format("on {}, at {}", fault.fault, out.call)
                            : fmt::format("with {}{} at {}", planned.before, fault.fault, out.call);
    out.fault = planned.before + (fault.space ? "on " : "") + fault.fault;
    out.injected = InjectedOf(planned, *trial.failed_call);
    out.again = CheckAgain(plan, given_.lab.run().command);
    return out;
  }

  bool CanBeJudged(const PlannedFault& planned, Trial* trial, const FaultScene& scene) {
    const Trace& trace = *trial->trace;
    if (trial->hung) {
      ++counts_.hangs;
      counts_.hung[static_cast<size_t>(planned.fault.way)] = true;
      return true;
    }
    if (!trace.CanBeJudged()) {
      out_.bounds.push_back(
          fmt::format("{}: cannot be judged: {}", scene.title, trace.obstacles.front().reason));
      out_.runs.push_back({scene.id, scene.title, std::move(*trial->trace),
                           FurtherRun::End::kNotJudged, out_.bounds.back()});
      return false;
    }
    if (trace.duration_ns > plain().duration_ns + kLongStall) {
      out_.notes.push_back(fmt::format("{}: the command takes {:.0f} s", scene.title,
                                       static_cast<double>(trace.duration_ns) / 1e9));
    }
    return true;
  }

  Result<EndJudgement> JudgeEnd(const EndedRun& run) {
    ASSIGN_OR_RETURN(EndJudgement judgement, plain_runs_.judge().Judge(run));
    if (judgement.violations.empty()) return judgement;
    ASSIGN_OR_RETURN(const bool otherwise, plain_runs_.LookAgainLater());
    if (!otherwise) return judgement;
    return plain_runs_.judge().Judge(run);
  }

  Status JudgeRun(const PlannedFault& planned, Trial trial, FaultScene scene) {
    const auto trace = std::make_shared<Trace>(std::move(*trial.trace));
    scene.trace = trace.get();
    scene.run = out_.runs.size();
    const bool dead =
        planned.fault.way == FaultWay::kFromThenOn && scene.failed_call->told != -EMFILE;
    const EndedRun run{trace.get(), trial.affected, trial.failed_call, trial.hung, dead};
    ASSIGN_OR_RETURN(EndJudgement judgement, JudgeEnd(run));
    if (judgement.committed_though_failed) {
      committed_.insert(
          fmt::format("{}({})", run.failed_call->call, patterns().Of(run.failed_call->path)));
    }

    const bool searched = !run.hung && power_.Wants(run);
    bool broken_by_power = false;
    if (searched) {
      ASSIGN_OR_RETURN(broken_by_power, power_.Ask(run, scene));
    }
    if (!broken_by_power) {
      for (EndViolation& violation : plain_runs_.judge().JudgeSyncs(run, /*closes_only=*/searched))
        judgement.violations.push_back(std::move(violation));
    }

    std::set<std::string> known = planned.known;
    ASSIGN_OR_RETURN(const bool new_here,
                     AddViolations(planned, scene, std::move(judgement.violations), &known));
    if (!run.hung) {
      KeepEnd(*trace, scene);
      if (deeper_) PlanDeeper(planned, trace, scene, known);
    }
    if (new_here || broken_by_power)
      out_.runs.push_back({scene.id, scene.title, *trace, FurtherRun::End::kFindings, {}});
    return {};
  }

  // True: one of them is the first of its kind. `known` grows by what is wrong with this run.
  Result<bool> AddViolations(const PlannedFault& planned, const FaultScene& scene,
                             std::vector<EndViolation> violations, std::set<std::string>* known) {
    RunSpec once_more = given_.lab.run();
    once_more.plan.injections = planned.fault.plan;
    bool new_here = false;
    for (EndViolation& violation : violations) {
      const std::string what =
          fmt::format("{} {} {}", OracleName(violation.oracle), OutcomeName(violation.outcome),
                      patterns().Of(violation.path));
      if (planned.known.contains(what)) continue;
      known->insert(what);
      RETURN_IF_ERROR(growth_->Ask(once_more, *scene.trace, &violation));
      new_here |= findings_.Add(patterns(), scene, std::move(violation));
    }
    return new_here;
  }

  void KeepEnd(const Trace& trace, const FaultScene& scene) {
    if (ends_.empty()) {
      for (const FileTree* tree :
           {&plain().old_tree, &plain().new_tree, &plain_runs_.survey()->new_tree})
        ends_.insert(tree->RootDigest(true));
    }
    if (!ends_.insert(trace.new_tree.RootDigest(true)).second) return;
    out_.left_behind.push_back(
        {trace.new_tree, scene.title, scene.id, kAxis, AsData(trace, *scene.failed_call)});
  }

  void PlanDeeper(const PlannedFault& planned, const std::shared_ptr<const Trace>& trace,
                  const FaultScene& scene, const std::set<std::string>& known) {
    const FaultWay way = planned.fault.way;
    if (way == FaultWay::kFromThenOn || way == FaultWay::kFullDisk ||
        way == FaultWay::kShortThenFull)
      return;

    CaseOptions options;
    options.full_disks = false;
    options.after_ticket = scene.failed_call->begin;
    options.first = planned.fault.plan;
    const std::string before =
        fmt::format("{}{} at {}, then ", planned.before, planned.fault.fault, scene.call);
    for (FaultCase& fault : MakeFaultCases(*trace, patterns(), options).cases)
      next_level_.push_back({std::move(fault), trace, before, known});
  }

  // ---- the end

  void Finish() {
    out_.findings = findings_.Take(patterns(), out_.runs);
    for (Finding& finding : power_.Take()) out_.findings.push_back(std::move(finding));

    for (const auto* notes : {&power_.notes(), &plain_runs_.judge().notes()})
      out_.notes.insert(out_.notes.end(), notes->begin(), notes->end());
    if (!committed_.empty()) {
      out_.notes.push_back(fmt::format(
          "the command reports an error although the change is already made when one of these "
          "fails: {}",
          Some({committed_.begin(), committed_.end()})));
    }

    if (!counts_.diverged.empty()) {
      out_.bounds.push_back(
          fmt::format("{} took another path than the run they were made from, twice: {}",
                      Count(counts_.diverged.size(), "run with a fault"), Some(counts_.diverged)));
    }
    if (counts_.skipped > 0) {
      out_.bounds.push_back(fmt::format("{} were not tried, since the command had hung three times",
                                        Count(counts_.skipped, "fault")));
    }
    if (power_.bounded()) {
      out_.bounds.emplace_back(
          "not all crash states of the runs with faults were visited: raise --max-states");
    }
    out_.cases = counts_.cases;
    out_.words = counts_.Words();
  }

  const Given& given_;
  const FaultOptions& options_;
  PlainRuns plain_runs_;
  PowerAfterFaults power_;
  std::optional<LitterGrowth> growth_;
  bool deeper_ = false;  ///< the later calls of the runs of this level shall fail too
  std::vector<PlannedFault> next_level_;
  FaultFindings findings_;
  /// calls after whose failure the command fails, though committed
  std::set<std::string> committed_;
  std::set<Digest> ends_;
  Counts counts_;
  Exploration out_;
};

class FaultExplorer final : public Explorer {
 public:
  explicit FaultExplorer(FaultOptions options) : options_(std::move(options)) {}
  Result<Exploration> Explore(const Given& given) override {
    return Session(given, options_).Run();
  }

 private:
  FaultOptions options_;
};

}  // namespace

std::unique_ptr<Explorer> MakeFaultExplorer(FaultOptions options) {
  return std::make_unique<FaultExplorer>(std::move(options));
}

}  // namespace oldornew
