#include "rerun/fault.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <tuple>

#include "base/text.h"
#include "rerun/end_state.h"
#include "rerun/fault_findings.h"
#include "rerun/fault_judge.h"
#include "rerun/new_claims.h"
#include "rerun/survey.h"

namespace oldornew {

namespace {

constexpr int kMostHangs = 3;  // waited for at full length
// of the plain run, for its faulted runs to be searched too
constexpr uint64_t kMostStates = 50'000;
constexpr size_t kMostSubjects = 24;  // and so few watched files
constexpr uint64_t kLongStall = 5'000'000'000;

/// A case and where it comes from.
struct Planned {
  FaultCase fault;
  std::shared_ptr<const Trace> base;  ///< FaultCase::call is of this
  std::string lead;                   ///< --fault-depth: "ENOSPC at 3 write(f.tmp), then "
  std::set<std::string> known;  ///< what is wrong with the run that led to it, without this fault
};

/// A case as it was carried out.
struct Tried {
  std::optional<Trace> trace;
  std::string problem;  ///< without a trace: why
  std::vector<const FileCall*> hits;
  const FileCall* guilty = nullptr;
  bool diverged = false;
  bool hung = false;
};

bool FailedForWantOfRoom(const FileCall& call) {
  const bool cut = KindOfCall(call) == CallKind::kWrite && call.told > 0 &&
                   static_cast<uint64_t>(call.told) < call.requested;
  return call.told == -ENOSPC || cut;
}

// What was written reaches the disk in it, at the latest: so its failing tells of lost data.
bool WritesBack(const FileCall& call) {
  const CallKind kind = KindOfCall(call);
  return kind == CallKind::kSync || kind == CallKind::kClose;
}

const char* WayName(FaultWay way) {
  static constexpr const char* kNames[] = {"errors once",  "from then on",  "though done",
                                           "short counts", "filling disks", "full disks",
                                           "by hand"};
  return kNames[static_cast<size_t>(way)];
}

class Explorer {
 public:
  Explorer(const std::vector<Sandbox*>& sandboxes, const Trace& plain, const SearchResult& found,
           const FaultSpec& spec)
      : sandboxes_(sandboxes), plain_(plain), found_(found), spec_(spec) {}

  Result<FaultResult> Run() {
    std::vector<Planned> level;
    if (!spec_.by_hand.empty()) {
      ASSIGN_OR_RETURN(FaultCase fault, ParseFaultCase(spec_.by_hand));
      level.push_back({std::move(fault), nullptr, {}, {}});
    }
    ASSIGN_OR_RETURN(const bool comparable, MakeSurvey());
    if (!comparable) return std::move(result_);
    patterns_.emplace(plain_, *survey_);
    judge_.emplace(plain_, *survey_, *patterns_, spec_.search);
    RETURN_IF_ERROR(judge_->Prepare());
    if (spec_.by_hand.empty()) level = FirstLevel();
    for (int depth = 1; !level.empty(); ++depth) {
      next_level_.clear();
      deeper_ = depth < spec_.depth;
      if (spec_.announce)
        spec_.announce(std::min<uint64_t>(level.size(), spec_.most_runs - result_.cases));
      RETURN_IF_ERROR(TryAll(std::move(level)));
      level = std::move(next_level_);
    }
    Finish();
    return std::move(result_);
  }

 private:
  void Bound(std::string why) { result_.bounds.push_back(std::move(why)); }

  // ---- the second plain run

  Result<bool> MakeSurvey() {
    ASSIGN_OR_RETURN(Trace trace, RecordSurvey(*sandboxes_[0], plain_, spec_.run));
    survey_ = std::make_shared<Trace>(std::move(trace));
    surveyed_ = std::chrono::steady_clock::now();
    std::string why = WhyNotAlike(plain_, *survey_);
    if (const std::string idle = LeftAsItWas(); !idle.empty()) {
      why = fmt::format(
          "leaves {} as it was: what the command does hangs on times, which are not restored, or "
          "on chance",
          idle);
    }
    if (why.empty()) return true;
    Bound("no call was made to fail, since a second run from the same state " + why);
    result_.exhaustive = false;
    result_.summary = "not explored";
    return false;
  }

  // Before anything is said against the command: a third plain run, more than a second after the
  // second one. What carries the time ends otherwise then (oracles.md 7). True: there is such, and
  // the judge knows it now.
  Result<bool> LookAgainLater() {
    std::this_thread::sleep_until(surveyed_ + std::chrono::milliseconds(1100));
    RETURN_IF_ERROR(sandboxes_[0]->Present(plain_.old_tree));
    ASSIGN_OR_RETURN(Trace trace, RecordIn(*sandboxes_[0], spec_.run));
    later_ = std::make_shared<Trace>(std::move(trace));
    if (later_->exit_status != plain_.exit_status || !later_->CanBeJudged()) return false;
    if (later_->new_tree.RootDigest() == survey_->new_tree.RootDigest() &&
        survey_->new_tree.RootDigest() == plain_.new_tree.RootDigest() &&
        StepsOf(*later_) == StepsOf(*survey_))
      return false;
    patterns_->Learn(*survey_, *later_);
    patterns_->Learn(plain_, *later_);
    plain_steps_.reset();
    judge_.emplace(plain_, *survey_, *patterns_, spec_.search);
    judge_->AlsoPlain(*later_);
    RETURN_IF_ERROR(judge_->Prepare());
    return true;
  }

  // A file of the old state that the plain run changed and the survey did not; empty: there is
  // none.
  std::string LeftAsItWas() const {
    const std::set<std::string> changed = ChangedPaths(*survey_);
    for (const std::string& path : ChangedPaths(plain_)) {
      if (plain_.old_tree.Lookup(path) && !changed.contains(path)) return path;
    }
    return {};
  }

  std::vector<Planned> FirstLevel() {
    CaseOptions options;
    options.all_errors = spec_.all_errors;
    options.full_disks = sandboxes_[0]->in_memory();
    if (!options.full_disks)
      result_.notes.emplace_back("full disks were not tried: they need a sandbox in memory");
    FaultCases cases = MakeFaultCases(*survey_, *patterns_, options);
    if (cases.left_out > 0) {
      result_.notes.push_back(
          fmt::format("of calls that are alike the first, the last and some between were made to "
                      "fail; {} were left out",
                      cases.left_out));
    }
    std::vector<Planned> out;
    for (FaultCase& fault : cases.cases) out.push_back({std::move(fault), survey_, {}, {}});
    return out;
  }

  // ---- runs

  // Several sandboxes work side by side; what they found is looked at in the order of the cases.
  Status TryAll(std::vector<Planned> cases) {
    if (result_.cases + cases.size() > spec_.most_runs) {
      const size_t room = spec_.most_runs - result_.cases;
      Bound(fmt::format("{} of {} faults were tried: raise --max-faults", spec_.most_runs,
                        result_.cases + cases.size()));
      cases.resize(room);
    }
    for (size_t begin = 0; begin < cases.size();) {
      std::vector<size_t> batch;
      while (begin < cases.size() && batch.size() < sandboxes_.size()) {
        const size_t index = begin++;
        if (GivenUp(cases[index].fault.way)) {
          ++skipped_;
        } else {
          batch.push_back(index);
        }
      }
      std::vector<Result<Tried>> tried(batch.size(), Tried{});
      std::vector<std::thread> threads;
      for (size_t i = 1; i < batch.size(); ++i)
        threads.emplace_back([&, i] { tried[i] = Try(*sandboxes_[i], cases[batch[i]]); });
      if (!batch.empty()) tried[0] = Try(*sandboxes_[0], cases[batch[0]]);
      for (std::thread& thread : threads) thread.join();
      for (size_t i = 0; i < batch.size(); ++i) {
        if (!tried[i]) return tl::unexpected(std::move(tried[i]).error());
        RETURN_IF_ERROR(Take(cases[batch[i]], std::move(*tried[i])));
      }
    }
    return {};
  }

  // A program that hung three times is not waited for again where it hung.
  bool GivenUp(FaultWay way) const {
    return hangs_ >= kMostHangs && hung_ways_[static_cast<size_t>(way)];
  }

  Result<Tried> Try(Sandbox& sandbox, const Planned& planned) const {
    ASSIGN_OR_RETURN(Tried tried, TryOnce(sandbox, planned));
    if (!tried.diverged) return tried;
    return TryOnce(sandbox, planned);
  }

  Result<Tried> TryOnce(Sandbox& sandbox, const Planned& planned) const {
    const FaultCase& fault = planned.fault;
    RETURN_IF_ERROR(sandbox.Present(plain_.old_tree));
    if (fault.space) RETURN_IF_ERROR(sandbox.LimitSpace(RootRole::kJudged, *fault.space));
    RunSpec run = spec_.run;
    run.plan.injections = fault.plan;
    run.plan.survey = deeper_ || fault.space.has_value();
    Tried out;
    auto trace = RecordIn(sandbox, run);
    if (!trace && trace.error().exit_code == ExitCode::kInterrupted)
      return tl::unexpected(std::move(trace).error());
    if (!trace) {
      out.problem = trace.error().message;
      return out;
    }
    out.trace = std::move(*trace);
    out.trace->plan = PlanTexts(fault);
    out.hung = Hung(*out.trace, spec_.run.time_limit);
    FindHits(planned, &out);
    return out;
  }

  // What failed, and was it what should have failed (oracles.md 8)?
  void FindHits(const Planned& planned, Tried* out) const {
    const FaultCase& fault = planned.fault;
    const int own = OwnInjection(fault);
    for (const FileCall& call : out->trace->file_calls) {
      const bool hit = call.injection >= 0 || (fault.space && FailedForWantOfRoom(call));
      if (!hit) continue;
      out->hits.push_back(&call);
      if (out->guilty == nullptr && (own < 0 || call.injection == own)) out->guilty = &call;
    }
    if (fault.call < 0) return;
    out->diverged = out->guilty == nullptr || !SameCall(planned, *out->trace, *out->guilty);
    if (out->guilty == nullptr && !out->hits.empty()) out->guilty = out->hits.front();
  }

  static int OwnInjection(const FaultCase& fault) {
    if (fault.call < 0) return -1;
    const int after = fault.way == FaultWay::kShortThenFull ? 2 : 1;
    return static_cast<int>(fault.plan.size()) - after;
  }

  bool SameCall(const Planned& planned, const Trace& trace, const FileCall& hit) const {
    const FileCall& meant = planned.base->file_calls[static_cast<size_t>(planned.fault.call)];
    return hit.call == meant.call && patterns_->Of(hit.path) == patterns_->Of(meant.path) &&
           PlaceOf(trace, hit) == PlaceOf(*planned.base, meant);
  }

  // ---- what came out

  Status Take(const Planned& planned, Tried tried) {
    ++result_.cases;
    const FaultWay way = planned.fault.way;
    ++count_[static_cast<size_t>(way)];
    if (tried.diverged) {
      ++result_.diverged;
      const FileCall& meant = planned.base->file_calls[static_cast<size_t>(planned.fault.call)];
      diverged_.push_back(
          fmt::format("{} at {}", planned.fault.fault, CallText(*planned.base, meant)));
    }
    if (!tried.trace) {
      Bound(fmt::format("with {} the command could not be run: {}", planned.fault.fault,
                        tried.problem));
      return {};
    }
    const Trace& trace = *tried.trace;
    if (tried.guilty == nullptr) {
      if (planned.fault.way == FaultWay::kByHand)
        Bound("the run met nothing of what was to be injected: no call fits, or not so often");
      ++unmet_;
      return {};
    }
    const std::string call = CallText(trace, *tried.guilty);
    const std::string scene = SceneOf(planned, call);
    if (tried.hung) {
      ++hangs_;
      hung_ways_[static_cast<size_t>(way)] = true;
    } else if (!trace.CanBeJudged()) {
      Bound(fmt::format("{}: cannot be judged: {}", scene, trace.obstacles.front().reason));
      result_.runs.push_back({IdOf(planned), scene, std::move(*tried.trace),
                              FurtherRun::End::kNotJudged, result_.bounds.back()});
      return {};
    } else if (trace.duration_ns > plain_.duration_ns + kLongStall) {
      result_.notes.push_back(fmt::format("{}: the command takes {:.0f} s", scene,
                                          static_cast<double>(trace.duration_ns) / 1e9));
    }
    return JudgeRun(planned, std::move(tried), call, scene);
  }

  static std::string SceneOf(const Planned& planned, const std::string& call) {
    return planned.fault.space
               ? fmt::format("on {}, at {}", planned.fault.fault, call)
               : fmt::format("with {}{} at {}", planned.lead, planned.fault.fault, call);
  }

  static std::string IdOf(const Planned& planned) {
    return RunIdOf("fault", PlanTexts(planned.fault));
  }

  Status JudgeRun(const Planned& planned, Tried tried, const std::string& call,
                  const std::string& scene) {
    auto trace = std::make_shared<Trace>(std::move(*tried.trace));
    const FaultedRun run{trace.get(), tried.hits, tried.guilty, tried.hung, planned.fault.way};
    ASSIGN_OR_RETURN(FaultJudgement judgement, judge_->Judge(run));
    if (!judgement.blames.empty() && later_ == nullptr) {
      ASSIGN_OR_RETURN(const bool otherwise, LookAgainLater());
      if (otherwise) {
        ASSIGN_OR_RETURN(judgement, judge_->Judge(run));
      }
    }
    if (judgement.committed_though_failed)
      committed_.insert(
          fmt::format("{}({})", tried.guilty->call, patterns_->Of(tried.guilty->path)));
    const size_t before = power_.size();
    const bool wanted = !tried.hung && WantsPower(run);
    const bool searched = wanted && spec_.search.probes.empty();
    power_unasked_ = power_unasked_ || (wanted && !searched);
    if (searched) RETURN_IF_ERROR(JudgePower(planned, run, scene));
    const bool more = power_.size() > before;
    if (!more) {
      for (Blame& blame : judge_->JudgeSyncs(run, /*closes_only=*/searched))
        judgement.blames.push_back(std::move(blame));
    }
    const FaultScene about{trace.get(),
                           tried.guilty,
                           IdOf(planned),
                           planned.lead + (planned.fault.space ? "on " : "") + planned.fault.fault,
                           call,
                           AgainText(planned),
                           result_.runs.size()};
    std::set<std::string> known = planned.known;
    bool new_here = false;
    RunSpec once_more = spec_.run;
    once_more.plan.injections = planned.fault.plan;
    for (Blame& blame : judgement.blames) {
      const std::string what = fmt::format("{} {} {}", OracleName(blame.oracle),
                                           OutcomeName(blame.outcome), patterns_->Of(blame.path));
      if (planned.known.contains(what)) continue;
      known.insert(what);
      RETURN_IF_ERROR(judge_->AskNextRun(*sandboxes_[0], once_more, *trace, &blame));
      new_here |= findings_.Add(*patterns_, about, std::move(blame));
    }
    if (!tried.hung) KeepEnd(*trace, scene, IdOf(planned));
    if (deeper_ && !tried.hung) PlanDeeper(planned, trace, *tried.guilty, call, known);
    if (new_here || more) {
      result_.runs.push_back({IdOf(planned), scene, *trace, FurtherRun::End::kFindings, {}});
    }
    return {};
  }

  std::string AgainText(const Planned& planned) const {
    return CheckAgain(PlanTexts(planned.fault), spec_.run.command);
  }

  void KeepEnd(const Trace& trace, const std::string& scene, const std::string& id) {
    if (ends_.empty()) {
      for (const FileTree* tree : {&plain_.old_tree, &plain_.new_tree, &survey_->new_tree})
        ends_.insert(tree->RootDigest(true));
    }
    if (!ends_.insert(trace.new_tree.RootDigest(true)).second) return;
    result_.ends.push_back({trace.new_tree, scene, id});
  }

  void PlanDeeper(const Planned& planned, const std::shared_ptr<const Trace>& trace,
                  const FileCall& guilty, const std::string& call,
                  const std::set<std::string>& known) {
    const FaultWay way = planned.fault.way;
    if (way == FaultWay::kFromThenOn || way == FaultWay::kFullDisk ||
        way == FaultWay::kShortThenFull)
      return;
    CaseOptions options;
    options.full_disks = false;
    options.after_ticket = guilty.begin;
    options.first = planned.fault.plan;
    for (FaultCase& fault : MakeFaultCases(*trace, *patterns_, options).cases) {
      next_level_.push_back(
          {std::move(fault), trace,
           fmt::format("{}{} at {}, then ", planned.lead, planned.fault.fault, call), known});
    }
  }

  // ---- power cuts

  bool WantsPower(const FaultedRun& run) {
    const bool synced = std::any_of(run.hits.begin(), run.hits.end(),
                                    [](const FileCall* hit) { return WritesBack(*hit); });
    if (judge_->Succeeded(*run.trace)) return synced || StepsOf(*run.trace) != PlainSteps();
    // A failed sync that was no reason not to publish; that a close failed has been said.
    return KindOfCall(*run.guilty) == CallKind::kSync &&
           !(run.trace->old_tree.RootDigest() == run.trace->new_tree.RootDigest());
  }

  const std::string& PlainSteps() {
    if (!plain_steps_) plain_steps_ = StepsOf(plain_);
    return *plain_steps_;
  }

  // What the run did to files, and in which order, without what it did it with.
  std::string StepsOf(const Trace& trace) const {
    std::string out;
    for (const Op& op : trace.ops) {
      if (op.error != 0 || (!IsSync(op.kind) && !ChangesTree(op.kind))) continue;
      out += fmt::format("{} {} {}\n", OpKindName(op.kind), patterns_->Of(op.path),
                         patterns_->Of(op.path2));
    }
    return out;
  }

  Status KnowPlainClaims() {
    if (claims_) return {};
    claims_ = ClaimsOf(found_.findings);
    Coverage coverage = found_.coverage;
    const size_t subjects = judge_->FilesIn(plain_).size();
    if (subjects > kMostSubjects) {
      power_is_small_ = false;
      result_.notes.push_back(fmt::format(
          "what power cuts do to runs with faults was not asked: there are {} watched files",
          subjects));
      return {};
    }
    if (!spec_.search.power) {
      ASSIGN_OR_RETURN(const SearchResult plain, Search(plain_, PowerOptions(plain_)));
      claims_ = ClaimsOf(plain.findings);
      coverage = plain.coverage;
    }
    power_is_small_ = coverage.exhaustive && coverage.states_visited <= kMostStates;
    if (!power_is_small_) {
      result_.notes.push_back(fmt::format(
          "what power cuts do to runs with faults was not asked: there are {} states without any",
          coverage.exhaustive ? std::to_string(coverage.states_visited) : "too many"));
    }
    return {};
  }

  // What the plain run's default rule watches, as far as it is there: what else a faulted run
  // leaves is litter.
  SearchOptions PowerOptions(const Trace& trace) const {
    SearchOptions options = spec_.search;
    if (options.watch.watch.empty() && options.watch.together.empty())
      options.watch.watch = judge_->FilesIn(trace);
    options.power = true;
    options.kill = false;
    options.pedantic.clear();
    std::erase_if(options.expect,
                  [](Oracle o) { return o != Oracle::kAtomic && o != Oracle::kDurable; });
    return options;
  }

  Status JudgePower(const Planned& planned, const FaultedRun& run, const std::string& scene) {
    // Whatever failed on the way to the same steps, with the same syncs failing: the states are the
    // same.
    std::string steps = StepsOf(*run.trace) + std::to_string(judge_->Succeeded(*run.trace));
    for (const FileCall* hit : run.hits) {
      if (WritesBack(*hit)) steps += CallText(*run.trace, *hit);
    }
    if (!searched_.insert(steps).second) return {};
    RETURN_IF_ERROR(KnowPlainClaims());
    if (!power_is_small_) return {};
    const SearchOptions options = PowerOptions(*run.trace);
    if (options.watch.watch.empty() && options.watch.together.empty()) return {};
    auto found = SearchNewClaims(*run.trace, options, *claims_, /*detail=*/false);
    // --watch names what is not there
    if (!found && found.error().exit_code == ExitCode::kUsage) return {};
    if (!found) return tl::unexpected(std::move(found).error());
    if (!found->exhaustive) power_bounded_ = true;
    for (Finding& finding : found->findings) AddPower(planned, run, scene, std::move(finding));
    return {};
  }

  void AddPower(const Planned& planned, const FaultedRun& run, const std::string& scene,
                Finding finding) {
    const FileCall& guilty = *run.guilty;
    const auto inode = run.trace->old_tree.Lookup(guilty.path);
    const bool directory = inode && run.trace->old_tree.at(*inode).kind == FileKind::kDirectory;
    const bool said_so = judge_->Succeeded(*run.trace);
    const bool lost = said_so && !directory && WritesBack(guilty);
    const std::string call = CallText(*run.trace, guilty);
    if (lost) {
      if (!lost_.insert(std::tuple(call, finding.path)).second) return;
      finding.message = fmt::format(
          "{} can be LOST in a power cut although the command reports success: {} fails with {}, "
          "and {}",
          finding.path, call, planned.fault.fault, finding.message);
      // Only servers and quotas answer at close(2).
      const bool closing = KindOfCall(guilty) == CallKind::kClose;
      finding.oracle = closing ? Oracle::kHonest : Oracle::kDurable;
      finding.severity = closing ? Severity::kWarning : Severity::kError;
      finding.shown = Outcome::kLostAfterError;
      finding.outcomes = {{Outcome::kLostAfterError, {}}};
    } else {
      if (!power_keys_
               .insert(std::tuple(finding.oracle, finding.path, guilty.call, planned.fault.fault))
               .second)
        return;
      finding.message = fmt::format("{}: {}", scene, finding.message);
      if (planned.fault.error == EXDEV && StaysInDirectory(guilty)) {
        finding.severity = Severity::kWarning;
        finding.message +=
            "; a name in the same directory is on another device only for some overlays";
      }
      for (auto& [outcome, profiles] : finding.outcomes) profiles.clear();
    }
    finding.subjects.clear();
    finding.scene = scene;
    finding.run = static_cast<int>(result_.runs.size());
    finding.cause = fmt::format("{} {}", guilty.call, patterns_->Of(guilty.path));
    finding.source = SourceOf(*run.trace, guilty);
    finding.again = AgainText(planned);
    power_.push_back(std::move(finding));
  }

  static bool StaysInDirectory(const FileCall& call) {
    const auto directory = [](const std::string& path) {
      return path.substr(0, path.rfind('/') + 1);
    };
    return !call.path2.empty() && directory(call.path) == directory(call.path2);
  }

  // ---- the end

  // The first few of a list.
  static std::string Some(const std::vector<std::string>& all) {
    constexpr size_t kMost = 5;
    if (all.size() <= kMost) return Join(all, ", ");
    return fmt::format("{} and {} more", Join({all.begin(), all.begin() + kMost}, ", "),
                       all.size() - kMost);
  }

  void Finish() {
    result_.findings = findings_.Take(*patterns_, result_.runs);
    for (Finding& finding : power_) result_.findings.push_back(std::move(finding));
    result_.notes.insert(result_.notes.end(), judge_->notes().begin(), judge_->notes().end());
    if (!committed_.empty()) {
      result_.notes.push_back(fmt::format("failed, though committed, when this fails: {}",
                                          Some({committed_.begin(), committed_.end()})));
    }
    if (result_.diverged > 0)
      Bound(fmt::format("{} went another way than the run they were made from, twice: {}",
                        Count(result_.diverged, "faulted run"), Some(diverged_)));
    if (skipped_ > 0)
      Bound(fmt::format("{} were not tried, since the command had hung three times",
                        Count(skipped_, "fault")));
    if (power_unasked_)
      result_.notes.emplace_back(
          "power cuts after failing calls were not asked about with --view and --check");
    if (power_bounded_)
      Bound("after faults not all states that power cuts leave were visited: raise --max-states");
    result_.exhaustive = result_.bounds.empty();
    std::vector<std::string> parts;
    for (size_t way = 0; way < count_.size(); ++way) {
      if (count_[way] > 0)
        parts.push_back(fmt::format("{} {}", count_[way], WayName(static_cast<FaultWay>(way))));
    }
    if (unmet_ > 0) parts.push_back(fmt::format("{} met nothing", unmet_));
    parts.push_back(fmt::format("{} diverged", result_.diverged));
    result_.summary = fmt::format("{}: {}", Count(result_.cases, "case"), Join(parts, ", "));
  }

  const std::vector<Sandbox*>& sandboxes_;
  const Trace& plain_;
  const SearchResult& found_;
  const FaultSpec& spec_;
  std::shared_ptr<const Trace> survey_;
  std::chrono::steady_clock::time_point surveyed_;
  /// a third plain run, made when there is something to be said
  std::shared_ptr<const Trace> later_;
  std::optional<PathPatterns> patterns_;
  std::optional<FaultJudge> judge_;
  std::optional<std::string> plain_steps_;  ///< StepsOf the plain run, as far as patterns are known
  std::optional<std::set<Claim>> claims_;   ///< of the plain run
  bool deeper_ = false;  ///< the later calls of the runs of this level shall fail too
  std::vector<Planned> next_level_;
  FaultFindings findings_;
  std::vector<Finding> power_;
  std::set<std::string> searched_;
  std::set<std::tuple<std::string, std::string>> lost_;
  std::set<std::tuple<Oracle, std::string, std::string, std::string>> power_keys_;
  /// calls after whose failure the command fails, though committed
  std::set<std::string> committed_;
  std::vector<std::string> diverged_;  ///< what was meant
  std::set<Digest> ends_;
  std::array<uint64_t, kFaultWays> count_{};
  std::array<bool, kFaultWays> hung_ways_{};
  int hangs_ = 0;
  uint64_t skipped_ = 0;
  uint64_t unmet_ = 0;
  bool power_bounded_ = false;
  bool power_unasked_ = false;  ///< with --view or --check
  /// the plain run has so few crash states that those of many runs can be visited
  bool power_is_small_ = true;
  FaultResult result_;
};

}  // namespace

Result<FaultResult> InjectFaults(const std::vector<Sandbox*>& sandboxes, const Trace& plain,
                                 const SearchResult& found, const FaultSpec& spec) {
  return Explorer(sandboxes, plain, found, spec).Run();
}

}  // namespace oldornew
