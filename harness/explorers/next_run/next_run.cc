#include "explorers/next_run/next_run.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "base/text.h"
#include "explorers/next_run/kills_during.h"
#include "explorers/next_run/references.h"
#include "explorers/next_run/start_states.h"
#include "finding/builder.h"
#include "oracle/recoverable.h"

namespace oldornew {

namespace {

constexpr const char* kAxis = "next-run";

// Once a run has hung, others are not waited for as long: so many times the plain run, and at least
// this.
constexpr int kPatience = 50;
constexpr std::chrono::milliseconds kLeastPatience{5'000};

// One thing that is wrong with a next run.
struct Wrong {
  Outcome outcome;
  Severity severity;
  std::string path;
  std::string what;  ///< to follow the scene
  Oracle oracle = Oracle::kRecoverable;
};

// One finding for each kind of failure, the earliest state shown.
class NextRunFindings {
 public:
  explicit NextRunFindings(Exploration* out) : out_(out) {}

  // True: it is the first of its kind, and its finding is still to be added with Add.
  bool IsNew(Outcome outcome, const std::string& path) { return ++counts_[{outcome, path}] == 1; }
  bool Known(Outcome outcome, const std::string& path) const {
    return counts_.contains({outcome, path});
  }

  void Report(const StartState& state, Trace next, const Wrong& wrong) {
    if (!IsNew(wrong.outcome, wrong.path)) return;
    FindingBuilder builder(next, kAxis, wrong.oracle, wrong.outcome);
    if (state.call) builder.At(*state.call);
    Finding finding = builder.Severe(wrong.severity)
                          .At(wrong.path)
                          .Case(CaseOf(next, EndOfRun{state.id}))
                          .Message(fmt::format("{}: {}", state.scene, wrong.what))
                          .Cause(OutcomeName(wrong.outcome))
                          .Run(out_->runs.size(), state.scene)
                          .Build();
    Add(wrong.outcome, std::move(finding), state, std::move(next));
  }

  void Add(Outcome outcome, Finding finding, const StartState& state, Trace next) {
    first_[{outcome, finding.path()}] = out_->findings.size();
    out_->findings.push_back(std::move(finding));
    out_->runs.push_back({state.id, state.scene, std::move(next), FurtherRun::End::kFindings, {}});
  }

  void Conclude() {
    for (const auto& [key, count] : counts_) {
      if (count > 1)
        out_->findings[first_.at(key)].message += fmt::format(" (from {} states)", count);
    }
  }

 private:
  using Key = std::pair<Outcome, std::string>;
  Exploration* out_;
  std::map<Key, uint64_t> counts_;
  std::map<Key, size_t> first_;
};

// One exploration.
class Session {
 public:
  Session(const Given& given, const NextRunOptions& options)
      : given_(given),
        options_(options),
        runs_(given.lab, given.plain),
        command_(options.recover.empty() ? given.plain.command : options.recover),
        references_(given, runs_, command_),
        states_(given.plain, options.most_states),
        kills_(given, kAxis),
        findings_(&out_) {}

  Result<Exploration> Run() {
    RETURN_IF_ERROR(references_.Make());
    RETURN_IF_ERROR(kills_.LearnKnown());
    ChooseStates();
    StartStates again = states_.Next(options_.most_again);
    for (const StartState& state : states_.list()) RETURN_IF_ERROR(Try(state, &again));
    for (const StartState& state : again.list()) RETURN_IF_ERROR(Try(state, nullptr));
    Conclude(again);
    return std::move(out_);
  }

 private:
  const Trace& plain() const { return given_.plain; }

  void ChooseStates() {
    states_.Exclude(plain().old_tree);
    states_.Exclude(plain().new_tree);
    const bool nothing_else = !options_.after_power_cut && !given_.earlier.Explored("faults");
    if (options_.after_kill || given_.earlier.Explored("kill") || nothing_else)
      states_.AddKills(plain());
    for (const LeftBehind* left : given_.earlier.LeftBehindByAll())
      states_.Add({left->tree, left->scene, left->id, left->axis, false, left->call});
    if (options_.after_power_cut) states_.AddPowerCuts(given_.space.profiles, given_.space.limits);
  }

  // `again`, if given, gets what kills during this run leave.
  Status Try(const StartState& state, StartStates* again) {
    ++out_.cases;
    ASSIGN_OR_RETURN(Trace next, runs_.Run(command_, &state.tree));
    if (Hung(next, runs_.time_limit())) {
      JudgeHang(state, std::move(next));
      return {};
    }
    if (!next.obstacles.empty()) {
      out_.bounds.push_back(fmt::format("{} the next run cannot be judged: {}", state.scene,
                                        next.obstacles[0].reason));
      return {};
    }

    if (again != nullptr) RETURN_IF_ERROR(LookForKills(state, next, again));
    if (!given_.question.Succeeded(next)) {
      ASSIGN_OR_RETURN(const bool legitimate, references_.MayFail(next));
      return legitimate ? Status() : JudgeFailure(state, std::move(next));
    }
    RETURN_IF_ERROR(JudgeGrowth(state, next));
    return JudgeSuccess(state, std::move(next));
  }

  // ---- the next run reported success

  Status JudgeSuccess(const StartState& state, Trace next) {
    ASSIGN_OR_RETURN(const bool accepted, references_.Accepted(next));
    if (!accepted) {
      findings_.Report(
          state, std::move(next),
          {Outcome::kRejectedByCheck, Severity::kError, ".",
           "the next run reports success, and the check command rejects what it leaves"});
      return {};
    }

    ASSIGN_OR_RETURN(std::optional<std::string> different, references_.Different(state, next));
    if (!different) return {};
    if (!findings_.Known(WrongOutcome(), *different)) {
      RETURN_IF_ERROR(references_.DropUnstable());
      ASSIGN_OR_RETURN(different, references_.Different(state, next));
      if (!different) return {};
    }
    const std::string what =
        references_.Viewed()
            ? "the view command prints neither what it prints after a run from the old state nor "
              "after one from the new state"
            : fmt::format(
                  "readers of {} find neither what a run from the old state leaves nor "
                  "what one from the new state does",
                  *different);
    findings_.Report(state, std::move(next),
                     {WrongOutcome(), Severity::kError, *different,
                      "the next run reports success, and " + what});
    return {};
  }

  Outcome WrongOutcome() const {
    return references_.Viewed() ? Outcome::kUnlikeAnyVersion : Outcome::kNotDone;
  }

  // ---- the next run reported an error, or did not end

  OnceMore RunOnceMore() {
    return [this] { return runs_.Run(command_); };
  }
  IsSo LeavesMore() const {
    return [this](const Trace& run) { return !references_.Added(run).empty(); };
  }

  // 10 Recoverable. Three failures in a row are a wedge, if nothing but the crash is to blame.
  Status JudgeFailure(const StartState& state, Trace next) {
    const std::string said = FirstWords(next);
    const auto succeeded = [&](const Trace& run) { return given_.question.Succeeded(run); };
    ASSIGN_OR_RETURN(const Wedge wedge, FindWedge(next, RunOnceMore(), succeeded, LeavesMore()));
    if (!wedge.wedged) {
      findings_.Report(state, std::move(next),
                       {Outcome::kFails, Severity::kWarning, references_.FirstPath(),
                        fmt::format("the next run fails and says {}; a later one succeeds", said)});
      return {};
    }

    const std::string more = wedge.piles_up
                                 ? fmt::format("; each of them leaves more behind, as {}",
                                               references_.Added(next).front())
                                 : "";
    findings_.Report(
        state, std::move(next),
        {Outcome::kWedged, Severity::kError, references_.FirstPath(),
         fmt::format("every further run fails, three in a row, and says {}{}", said, more)});
    return {};
  }

  void JudgeHang(const StartState& state, Trace next) {
    findings_.Report(state, std::move(next),
                     {Outcome::kWedged, Severity::kError, references_.FirstPath(),
                      fmt::format("the next run HANGS: it had not ended after {:.0f} s",
                                  std::chrono::duration<double>(runs_.time_limit()).count())});
    const auto plain_time = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::nanoseconds(plain().duration_ns) * kPatience);
    runs_.LimitTime(std::max(plain_time, kLeastPatience));
  }

  // ---- 11 Litter

  // Does each further run leave more, and does a run from the old state not?
  Status JudgeGrowth(const StartState& state, const Trace& next) {
    const std::vector<std::string> left = references_.Added(next);
    if (left.empty() || grows_) return {};
    ASSIGN_OR_RETURN(const bool piles_up, KeepsPilingUp(RunOnceMore(), LeavesMore()));
    if (!piles_up) return {};
    RETURN_IF_ERROR(LearnWhetherItGrowsByItself());
    if (*grows_by_itself_) return {};

    grows_ = true;
    findings_.Report(
        state, next,
        {Outcome::kLitter, Severity::kWarning, left.front(),
         fmt::format("each further run leaves more behind, as {}", left.front()), Oracle::kClean});
    return {};
  }

  Status LearnWhetherItGrowsByItself() {
    if (grows_by_itself_) return {};
    RETURN_IF_ERROR(runs_.Run(command_, &plain().old_tree));
    grows_by_itself_ = false;
    for (int more = 0; more < 2; ++more) {
      ASSIGN_OR_RETURN(const Trace further, runs_.Run(command_));
      *grows_by_itself_ |= !references_.Added(further).empty();
    }
    return {};
  }

  // ---- kills during next runs

  Status LookForKills(const StartState& state, const Trace& next, StartStates* again) {
    again->AddKills(next, state.scene + ", then ", state.id + ":");
    ASSIGN_OR_RETURN(std::vector<Finding> found, kills_.Search(next));
    for (Finding& finding : found) {
      const Outcome outcome = finding.shown.outcome;
      if (!findings_.IsNew(outcome, finding.path())) continue;
      finding.message = fmt::format("{}, then in the next run: {}", state.scene, finding.message);
      finding.scene = state.scene;
      finding.cause = "during";
      finding.subjects.resize(1);
      finding.run = static_cast<int>(out_.runs.size());
      findings_.Add(outcome, std::move(finding), state, next);
    }
    return {};
  }

  // ---- the end

  void Conclude(const StartStates& again) {
    findings_.Conclude();
    out_.words = "the command again from " + Count(out_.cases, "distinct state");
    out_.notes = references_.notes();
    if (!states_.exhaustive()) {
      out_.bounds.push_back(
          fmt::format("the next run was made from the first {} states, {} more were left out",
                      states_.list().size(), states_.left_out()));
    }
    if (again.left_out() > 0) {
      out_.notes.push_back(
          fmt::format("kills during next runs leave {} further states: {} were started from",
                      again.list().size() + again.left_out(), again.list().size()));
    }
  }

  const Given& given_;
  const NextRunOptions& options_;
  RunAgain runs_;
  std::vector<std::string> command_;
  References references_;
  StartStates states_;
  KillsDuring kills_;
  Exploration out_;
  NextRunFindings findings_;
  bool grows_ = false;  ///< reported already: the names are others in each run
  /// Each run from the old state leaves more than the one before.
  std::optional<bool> grows_by_itself_;
};

class NextRunExplorer final : public Explorer {
 public:
  explicit NextRunExplorer(NextRunOptions options) : options_(std::move(options)) {}
  Result<Exploration> Explore(const Given& given) override {
    return Session(given, options_).Run();
  }

 private:
  NextRunOptions options_;
};

}  // namespace

std::unique_ptr<Explorer> MakeNextRunExplorer(NextRunOptions options) {
  return std::make_unique<NextRunExplorer>(std::move(options));
}

}  // namespace oldornew
