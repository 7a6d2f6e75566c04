#include "rerun/next_run.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "finding/kill_search.h"
#include "oracle/watch.h"
#include "rerun/again.h"
#include "rerun/end_state.h"

namespace oldornew {

namespace {

// What came of a run: what readers find at every path that is compared, or what --view prints.
struct Came {
  std::vector<ReaderView> paths;
  std::string view;
  bool operator==(const Came&) const = default;
};

// Once a run has hung, others are not waited for as long: so many times the plain run, and at least
// this.
constexpr int kPatience = 50;
constexpr std::chrono::milliseconds kLeastPatience{5'000};

class NextRun {
 public:
  NextRun(Sandbox& sandbox, const Trace& plain, const NextRunSpec& spec)
      : plain_(plain),
        spec_(spec),
        run_(spec.run),
        runs_(sandbox, plain, run_, spec.search.ack.ok_exit),
        command_(spec.recover.empty() ? plain.command : spec.recover),
        states_(plain, spec.most_states),
        again_(plain, spec.most_again) {}

  Result<NextRunResult> Run() {
    RETURN_IF_ERROR(MakeReferences());
    states_.Exclude(plain_.old_tree);
    states_.Exclude(plain_.new_tree);
    if (spec_.after_kill) states_.AddKills(plain_);
    for (const StartState& state : spec_.starts) states_.Add(state);
    if (spec_.after_power_cut) states_.AddPowerCuts(spec_.search.profiles, spec_.search.limits);
    again_ = states_.Next(spec_.most_again);
    for (const StartState& state : states_.list()) RETURN_IF_ERROR(Try(state, &again_));
    for (const StartState& state : again_.list()) RETURN_IF_ERROR(Try(state, nullptr));
    Conclude();
    return std::move(result_);
  }

 private:
  // A path that is compared, and the subject that it belongs to.
  struct Compared {
    std::string path;
    size_t subject = 0;
  };

  bool Viewed() const { return !spec_.search.probes.empty() && spec_.search.probes[0].view; }
  bool Checked() const { return !spec_.search.probes.empty() && spec_.search.probes[0].check; }

  // ---- what the next run is held against

  Status MakeReferences() {
    ASSIGN_OR_RETURN(const Trace from_old, runs_.Run(command_, &plain_.old_tree));
    ASSIGN_OR_RETURN(const Trace again, runs_.Run(command_, &plain_.old_tree));
    ASSIGN_OR_RETURN(const Trace from_new, runs_.Run(command_, &plain_.new_tree));
    ASSIGN_OR_RETURN(subjects_, SubjectsToJudge(plain_, spec_.search));
    for (const Subject& subject : subjects_) {
      histories_.push_back(TraceVersions(plain_, subject, spec_.search.ack));
      for (const Place& place : subject.places) {
        if (place.root != 0 || !ComparesPaths()) continue;
        const ReaderView one = ViewOf(from_old, from_old.new_tree, place.path);
        if (one == ViewOf(again, again.new_tree, place.path)) {
          paths_.push_back({place.path, histories_.size() - 1});
        } else {
          NoteUnstable(place.path);
        }
      }
    }
    if (Viewed()) {
      RETURN_IF_ERROR(LearnViews());
      ASSIGN_OR_RETURN(const std::string one, View(from_old.new_tree));
      ASSIGN_OR_RETURN(const std::string other, View(again.new_tree));
      stable_view_ = one == other;
      if (!stable_view_) NoteUnstable("what --view prints");
    }
    ASSIGN_OR_RETURN(from_old_, CameOf(from_old));
    ASSIGN_OR_RETURN(from_new_, CameOf(from_new));
    old_succeeds_ = runs_.Succeeded(from_old);
    new_succeeds_ = runs_.Succeeded(from_new);
    for (const Trace* trace : {&plain_, &from_old, &again, &from_new}) {
      LearnNames(*trace, trace->old_tree);
      LearnNames(*trace, trace->new_tree);
    }
    // What kills during the recorded run do is known: only what they do during next runs is news.
    ASSIGN_OR_RETURN(const KillFindings known,
                     SearchKills(plain_, WithoutProbes(), subjects_, nullptr));
    for (const Finding& finding : known.findings) {
      for (const FindingSubject& subject : finding.subjects) known_kills_.insert(subject.path);
    }
    return {};
  }

  // As in the search: under --view, and under --check unless paths were named, bytes say nothing.
  bool ComparesPaths() const {
    const WatchOptions& watch = spec_.search.watch;
    return spec_.search.probes.empty() ||
           (!Viewed() && (!watch.watch.empty() || !watch.together.empty()));
  }

  SearchOptions WithoutProbes() const {
    SearchOptions options = spec_.search;
    options.probes.clear();
    return options;
  }

  Result<std::string> View(const FileTree& tree) const {
    ASSIGN_OR_RETURN(
        const ProbeAnswer answer,
        spec_.search.probes[0].view(WithoutVolatile(tree, spec_.search.volatile_globs), {}));
    return ShowAnswer(answer);
  }

  // What --view prints for the old and the new state.
  Status LearnViews() {
    for (const FileTree* tree : {&plain_.old_tree, &plain_.new_tree}) {
      ASSIGN_OR_RETURN(std::string view, View(*tree));
      end_views_.insert(std::move(view));
    }
    return {};
  }

  void LearnNames(const Trace& trace, const FileTree& tree) {
    for (const auto& [path, inode] : tree.Walk()) names_.insert(SubjectPattern(trace, path));
  }

  Result<Came> CameOf(const Trace& trace) const {
    Came out;
    for (const Compared& compared : paths_)
      out.paths.push_back(ViewOf(trace, trace.new_tree, compared.path));
    if (Viewed() && stable_view_) {
      ASSIGN_OR_RETURN(out.view, View(trace.new_tree));
    }
    return out;
  }

  // What a run from the old state does not leave again now carries the time, or something like it:
  // it is no longer compared (oracles.md 7). Asked before anything is said of a difference.
  Status DropUnstable() {
    ASSIGN_OR_RETURN(const Trace now, runs_.RunNow(command_));
    ASSIGN_OR_RETURN(const Came after, CameOf(now));
    for (size_t i = paths_.size(); i-- > 0;) {
      if (from_old_.paths[i] == after.paths[i]) continue;
      NoteUnstable(paths_[i].path);
      const auto at = static_cast<ptrdiff_t>(i);
      paths_.erase(paths_.begin() + at);
      from_old_.paths.erase(from_old_.paths.begin() + at);
      from_new_.paths.erase(from_new_.paths.begin() + at);
    }
    if (Viewed() && stable_view_ && from_old_.view != after.view) {
      stable_view_ = false;
      from_old_.view = from_new_.view = {};
      NoteUnstable("what --view prints");
    }
    return {};
  }

  void NoteUnstable(const std::string& what) {
    result_.notes.push_back(fmt::format(
        "{} differs from run to run: after next runs its content was not compared", what));
  }

  // ---- one state

  // `again`, if given, gets what kills during this run leave.
  Status Try(const StartState& state, StartStates* again) {
    ++result_.states;
    if (again == nullptr) ++result_.again;
    ASSIGN_OR_RETURN(Trace next, runs_.Run(command_, &state.tree));
    if (Hung(next, run_.time_limit)) {
      JudgeHang(state, std::move(next));
      return {};
    }
    if (!next.obstacles.empty()) {
      result_.bounds.push_back(fmt::format("{} the next run cannot be judged: {}", state.scene,
                                           next.obstacles[0].reason));
      return {};
    }
    if (again != nullptr) RETURN_IF_ERROR(LookForKills(state, next, again));
    if (!runs_.Succeeded(next)) {
      ASSIGN_OR_RETURN(const bool legitimate, MayFail(next));
      return legitimate ? Status() : JudgeFailure(state, std::move(next));
    }
    RETURN_IF_ERROR(JudgeGrowth(state, next));
    return JudgeSuccess(state, std::move(next));
  }

  // Whether what this run made of the path says nothing: it found there a version in between, from
  // which nobody has run the command, or what another axis has reported already.
  bool SaysNothing(const StartState& state, const Compared& compared) const {
    const ReaderView start = ViewOf(plain_, state.tree, compared.path);
    if (start == ViewOf(plain_, plain_.old_tree, compared.path)) return false;
    if (start == ViewOf(plain_, plain_.new_tree, compared.path)) return false;
    // Behind two kills there are the versions of the next run as well.
    if (state.second) return true;
    const Subject& subject = subjects_[compared.subject];
    if (!JudgeState(plain_, subject, histories_[compared.subject], state.tree, 0)) return true;
    return state.axis == Axis::kKill    ? spec_.search.kill
           : state.axis == Axis::kPower ? spec_.search.power
                                        : true;
  }

  Status JudgeSuccess(const StartState& state, Trace next) {
    if (Checked()) {
      ASSIGN_OR_RETURN(const ProbeAnswer answer,
                       spec_.search.probes[0].check(
                           WithoutVolatile(next.new_tree, spec_.search.volatile_globs), {}));
      if (answer.exit_status != 0) {
        Report(state, std::move(next), Outcome::kRejectedByCheck, Severity::kError, ".",
               "the next run reports success, and the check command rejects what it leaves");
        return {};
      }
    }
    ASSIGN_OR_RETURN(std::optional<std::string> different, Different(state, next));
    if (!different) return {};
    if (!counts_.contains({WrongOutcome(), *different})) {
      RETURN_IF_ERROR(DropUnstable());
      ASSIGN_OR_RETURN(different, Different(state, next));
      if (!different) return {};
    }
    const std::string what = Viewed() ? "the view command prints neither what it prints after a "
                                        "run from the old state nor after one "
                                        "from the new state"
                                      : fmt::format(
                                            "readers of {} find neither what a run from the old "
                                            "state leaves nor what one from "
                                            "the new state does",
                                            *different);
    Report(state, std::move(next), WrongOutcome(), Severity::kError, *different,
           "the next run reports success, and " + what);
    return {};
  }

  Outcome WrongOutcome() const { return Viewed() ? Outcome::kUnlikeAnyVersion : Outcome::kNotDone; }

  // Where this run came to something else than both references: a path, or "." for the view.
  // Several paths together are not one value (oracles.md 4).
  Result<std::optional<std::string>> Different(const StartState& state, const Trace& next) const {
    ASSIGN_OR_RETURN(const Came came, CameOf(next));
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (came.paths[i] == from_old_.paths[i] || came.paths[i] == from_new_.paths[i]) continue;
      if (!SaysNothing(state, paths_[i])) return paths_[i].path;
    }
    if (came.view == from_old_.view || came.view == from_new_.view) return std::nullopt;
    // What starts from a state of no version is the business of the axis that found that state.
    ASSIGN_OR_RETURN(const std::string start, View(state.tree));
    return end_views_.contains(start) ? std::optional<std::string>(".") : std::nullopt;
  }

  // Some commands fail from the new state (mv a b), and so they may here: if what they leave is the
  // same.
  Result<bool> MayFail(const Trace& next) const {
    if (old_succeeds_ && new_succeeds_) return false;
    ASSIGN_OR_RETURN(const Came came, CameOf(next));
    return (!old_succeeds_ && came == from_old_) || (!new_succeeds_ && came == from_new_);
  }

  std::string FirstPath() const { return paths_.empty() ? "." : paths_.front().path; }

  // Three failures in a row are a wedge, if nothing but the crash is to blame.
  Status JudgeFailure(const StartState& state, Trace next) {
    const std::string said = FirstWords(next);
    std::vector<std::string> left = Added(next);
    for (int more = 0; more < 2; ++more) {
      ASSIGN_OR_RETURN(const Trace third, runs_.Run(command_));
      if (left.size() > 0 && Added(third).empty()) left.clear();
      if (!runs_.Succeeded(third)) continue;
      Report(state, std::move(next), Outcome::kFails, Severity::kWarning, FirstPath(),
             fmt::format("the next run fails and says {}; a later one succeeds", said));
      return {};
    }
    const std::string more =
        left.empty() ? "" : fmt::format("; each of them leaves more behind, as {}", left.front());
    Report(state, std::move(next), Outcome::kWedged, Severity::kError, FirstPath(),
           fmt::format("every further run fails, three in a row, and says {}{}", said, more));
    return {};
  }

  void JudgeHang(const StartState& state, Trace next) {
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(run_.time_limit);
    Report(state, std::move(next), Outcome::kWedged, Severity::kError, FirstPath(),
           fmt::format("the next run HANGS: it had not ended after {:.0f} s",
                       static_cast<double>(waited.count()) / 1000));
    const auto plain = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::nanoseconds(plain_.duration_ns) * kPatience);
    run_.time_limit = std::min(run_.time_limit, std::max(plain, kLeastPatience));
  }

  // ---- litter (oracles.md 11)

  // What the run made and left that no run from the old or the new state has or leaves.
  std::vector<std::string> Added(const Trace& next) const {
    std::vector<std::string> out;
    for (const auto& [path, inode] : next.new_tree.Walk()) {
      if (!next.old_tree.Lookup(path) && !names_.contains(SubjectPattern(next, path)))
        out.push_back(path);
    }
    return out;
  }

  // Does each further run leave more, and does a run from the old state not?
  Status JudgeGrowth(const StartState& state, const Trace& next) {
    const std::vector<std::string> left = Added(next);
    if (left.empty() || grows_) return {};
    for (int more = 0; more < 2; ++more) {
      ASSIGN_OR_RETURN(const Trace further, runs_.Run(command_));
      if (Added(further).empty()) return {};
    }
    if (!grows_by_itself_) {
      RETURN_IF_ERROR(runs_.Run(command_, &plain_.old_tree));
      grows_by_itself_ = false;
      for (int more = 0; more < 2; ++more) {
        ASSIGN_OR_RETURN(const Trace further, runs_.Run(command_));
        *grows_by_itself_ |= !Added(further).empty();
      }
    }
    if (*grows_by_itself_) return {};
    grows_ = true;
    Report(state, next, Outcome::kLitter, Severity::kWarning, left.front(),
           fmt::format("each further run leaves more behind, as {}", left.front()), Oracle::kClean);
    return {};
  }

  // ---- kills during next runs

  // Files that the first kill left, and that the next run works on, are nobody's business: only
  // what the recorded run is judged by is.
  Status LookForKills(const StartState& state, const Trace& next, StartStates* again) {
    again->AddKills(next, state.scene + ", then ", state.id + ":");
    ASSIGN_OR_RETURN(KillFindings found, SearchKills(next, WithoutProbes(), subjects_, nullptr));
    for (Finding& finding : found.findings) {
      if (known_kills_.contains(finding.path) || !ComparesPaths()) continue;
      const Outcome outcome = finding.shown;
      if (++counts_[{outcome, finding.path}] > 1) continue;
      first_[{outcome, finding.path}] = result_.findings.size();
      finding.message = fmt::format("{}, then in the next run: {}", state.scene, finding.message);
      finding.scene = state.scene;
      finding.cause = "during";
      for (auto& [which, profiles] : finding.outcomes) profiles.clear();
      finding.subjects.clear();
      finding.run = static_cast<int>(result_.runs.size());
      result_.findings.push_back(std::move(finding));
      result_.runs.push_back({state.id, state.scene, next, FurtherRun::End::kFindings, {}});
    }
    return {};
  }

  // ---- what is said

  void Report(const StartState& state, Trace next, Outcome outcome, Severity severity,
              const std::string& path, const std::string& what,
              Oracle oracle = Oracle::kRecoverable) {
    const auto key = std::make_pair(outcome, path);
    if (++counts_[key] > 1) return;
    Finding finding = EndFinding(oracle, outcome, severity, path,
                                 fmt::format("{}: {}", state.scene, what), state.id, next);
    finding.scene = state.scene;
    finding.cause = OutcomeName(outcome);
    finding.stable_path = SubjectPattern(next, path);
    finding.run = static_cast<int>(result_.runs.size());
    result_.runs.push_back(
        {state.id, state.scene, std::move(next), FurtherRun::End::kFindings, {}});
    first_[key] = result_.findings.size();
    result_.findings.push_back(std::move(finding));
  }

  void Conclude() {
    for (auto& [key, count] : counts_) {
      if (count > 1)
        result_.findings[first_[key]].message += fmt::format(" (from {} states)", count);
    }
    if (!states_.exhaustive()) {
      result_.bounds.push_back(
          fmt::format("the next run was made from the first {} states, {} more were left out",
                      states_.list().size(), states_.left_out()));
    }
    if (again_.left_out() > 0) {
      result_.notes.push_back(fmt::format(
          "of what kills during next runs leave, {} states were started from and {} were not",
          again_.list().size(), again_.left_out()));
    }
    result_.exhaustive = result_.bounds.empty();
  }

  const Trace& plain_;
  const NextRunSpec& spec_;
  RunSpec run_;
  Again runs_;
  std::vector<std::string> command_;
  StartStates states_;
  StartStates again_;
  std::vector<Subject> subjects_;
  std::vector<VersionHistory> histories_;  ///< of each of them, in the recorded run
  std::vector<Compared> paths_;
  Came from_old_;  ///< what comes of a run from the old state
  Came from_new_;
  std::set<std::string> end_views_;  ///< what --view prints for the old and the new state
  bool stable_view_ = true;
  bool old_succeeds_ = false;  ///< the runs from the old state and its like
  bool new_succeeds_ = false;
  bool grows_ = false;  ///< said already: the names are others in each run
  /// each run from the old state leaves more than the one before
  std::optional<bool> grows_by_itself_;
  std::set<std::string> names_;        ///< patterns of all paths that plain runs find or leave
  std::set<std::string> known_kills_;  ///< paths that kills during the recorded run leave broken
  std::map<std::pair<Outcome, std::string>, uint64_t> counts_;
  std::map<std::pair<Outcome, std::string>, size_t> first_;
  NextRunResult result_;
};

}  // namespace

Result<NextRunResult> RunAgainFromEveryState(Sandbox& sandbox, const Trace& plain,
                                             const NextRunSpec& spec) {
  return NextRun(sandbox, plain, spec).Run();
}

}  // namespace oldornew
