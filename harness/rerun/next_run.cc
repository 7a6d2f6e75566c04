#include "rerun/next_run.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "oracle/watch.h"
#include "rerun/again.h"
#include "rerun/end_state.h"

namespace oldornew {

namespace {

struct StartState {
  FileTree tree;
  std::string scene;  ///< "after a kill behind 3 rename(a → b)"
  std::string id;     ///< "kill-3", "power-xfs-..."
};

// Seen by readers, for every path that the plain run changes.
using Views = std::vector<ReaderView>;

class NextRun {
 public:
  NextRun(Sandbox& sandbox, const Trace& plain, const NextRunSpec& spec)
      : plain_(plain),
        spec_(spec),
        runs_(sandbox, plain, spec.run, spec.ok_exit),
        command_(spec.recover.empty() ? plain.command : spec.recover) {}

  Result<NextRunResult> Run() {
    RETURN_IF_ERROR(MakeReferences());
    if (spec_.after_kill) KillStates();
    if (spec_.after_power_cut) PowerStates();
    for (const StartState& state : states_) RETURN_IF_ERROR(Try(state));
    result_.states = states_.size();
    for (auto& [key, count] : counts_) {
      if (count > 1) result_.findings[first_[key]].message += fmt::format(" (from {} states)", count);
    }
    return std::move(result_);
  }

 private:
  // ---- what the next run is held against

  Status MakeReferences() {
    ASSIGN_OR_RETURN(const Trace from_old, runs_.Run(command_, &plain_.old_tree));
    ASSIGN_OR_RETURN(const Trace again, runs_.Run(command_, &plain_.old_tree));
    ASSIGN_OR_RETURN(const Trace from_new, runs_.Run(command_, &plain_.new_tree));
    ASSIGN_OR_RETURN(const auto subjects, ChooseSubjects(plain_, {}));
    for (const Subject& subject : subjects) {
      for (const Place& place : subject.places) {
        if (place.root != 0 || subject.whole_directory) continue;
        const ReaderView one = ViewOf(from_old, from_old.new_tree, place.path);
        if (one == ViewOf(again, again.new_tree, place.path)) {
          paths_.push_back(place.path);
        } else {
          NoteUnstable(place.path);
        }
      }
    }
    from_old_ = ViewsOf(from_old);
    from_new_ = ViewsOf(from_new);
    both_succeed_ = runs_.Succeeded(from_old) && runs_.Succeeded(from_new);
    seen_.insert(plain_.old_tree.RootDigest(true));
    seen_.insert(plain_.new_tree.RootDigest(true));
    return {};
  }

  // Does a run from the old state still end alike on this path, a second later? What carries the time does
  // not, and is no longer compared (oracles.md 7).
  Result<bool> IsStable(size_t index) {
    if (rechecked_) return true;
    ASSIGN_OR_RETURN(const Trace* later, runs_.RunLater(command_));
    rechecked_ = true;
    const Views after = ViewsOf(*later);
    const bool stable = from_old_[index] == after[index];
    for (size_t i = paths_.size(); i-- > 0;) {
      if (from_old_[i] == after[i]) continue;
      NoteUnstable(paths_[i]);
      const auto at = static_cast<ptrdiff_t>(i);
      paths_.erase(paths_.begin() + at);
      from_old_.erase(from_old_.begin() + at);
      from_new_.erase(from_new_.begin() + at);
    }
    return stable;
  }

  void NoteUnstable(const std::string& path) {
    result_.notes.push_back(
        fmt::format("{} differs from run to run: after next runs its content was not compared", path));
  }

  Views ViewsOf(const Trace& trace) const {
    Views out;
    for (const std::string& path : paths_) out.push_back(ViewOf(trace, trace.new_tree, path));
    return out;
  }

  // ---- where it starts

  void Add(FileTree tree, std::string scene, std::string id) {
    if (!seen_.insert(tree.RootDigest(true)).second) return;
    if (states_.size() >= spec_.most_states) {
      result_.exhaustive = false;
      return;
    }
    states_.push_back({std::move(tree), std::move(scene), std::move(id)});
  }

  void KillStates() {
    LiveTree live(plain_);
    for (size_t i = 0; i < plain_.ops.size(); ++i) {
      const Op& op = plain_.ops[i];
      if (op.kind == OpKind::kWrite && op.error == 0 && op.length > kPageSize) AddTornWrite(live, op, i);
      live.Apply(op);
      Add(live.tree(), fmt::format("after a kill behind {} {}", i + 1, DescribeShort(op)),
          fmt::format("kill-{}", i + 1));
    }
  }

  // A kill within a large write leaves some of its pages (oracles of kills: the page cache survives).
  void AddTornWrite(const LiveTree& live, const Op& op, size_t index) {
    Op half = op;
    half.length = op.length / 2 / kPageSize * kPageSize;
    half.size_after = std::max(op.size_before, op.offset + half.length);
    LiveTree copy(live);
    copy.Apply(half);
    Add(copy.tree(), fmt::format("after a kill within {} {}", index + 1, DescribeShort(op)),
        fmt::format("kill-in-{}", index + 1));
  }

  void PowerStates() {
    for (const Profile* profile : spec_.profiles) {
      const Coverage coverage =
          ForEachCrashState(plain_, *profile, Projection{{""}}, spec_.limits, [&](const CrashState& state) {
            Add(state.tree,
                fmt::format("after a power cut under {}, {} of {} calls done", profile->name,
                            state.first_point, plain_.ops.size()),
                fmt::format("power-{}-{}", profile->name, state.choice));
            return result_.exhaustive;
          });
      result_.exhaustive = result_.exhaustive && coverage.exhaustive;
    }
  }

  // ---- how it ends

  Status Try(const StartState& state) {
    ASSIGN_OR_RETURN(Trace next, runs_.Run(command_, &state.tree));
    if (!next.obstacles.empty()) {
      result_.exhaustive = false;
      result_.notes.push_back(
          fmt::format("{} the next run cannot be judged: {}", state.scene, next.obstacles[0].reason));
      return {};
    }
    if (!runs_.Succeeded(next)) return both_succeed_ ? JudgeFailure(state, std::move(next)) : Status();
    const Views views = ViewsOf(next);
    if (views == from_old_ || views == from_new_) return {};
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (views[i] == from_old_[i] || views[i] == from_new_[i]) continue;
      ASSIGN_OR_RETURN(const bool stable, IsStable(i));
      if (!stable) return {};
      Report(state, std::move(next), Outcome::kNotDone, Severity::kError, paths_[i],
             fmt::format(
                 "the next run reports success, and readers of {} find neither what a run from the old state "
                 "leaves nor what one from the new state does",
                 paths_[i]));
      return {};
    }
    return {};  // each path is as one of the two references has it; several together are not one value
                // (oracles.md 4)
  }

  // Three failures in a row are a wedge, if nothing but the crash is to blame.
  Status JudgeFailure(const StartState& state, Trace next) {
    const std::string said = FirstWords(next);
    const std::string path = paths_.empty() ? "." : paths_.front();
    for (int more = 0; more < 2; ++more) {
      ASSIGN_OR_RETURN(const Trace third, runs_.Run(command_));
      if (!runs_.Succeeded(third)) continue;
      Report(state, std::move(next), Outcome::kFails, Severity::kWarning, path,
             fmt::format("the next run fails and says {}; a later one succeeds", said));
      return {};
    }
    Report(state, std::move(next), Outcome::kWedged, Severity::kError, path,
           fmt::format("every further run fails, three in a row, and says {}", said));
    return {};
  }

  void Report(const StartState& state, Trace next, Outcome outcome, Severity severity,
              const std::string& path, const std::string& what) {
    const auto key = std::make_pair(outcome, path);
    if (++counts_[key] > 1) return;
    Finding finding = EndFinding(Oracle::kRecoverable, outcome, severity, path,
                                 fmt::format("{}: {}", state.scene, what), state.id, next);
    finding.scene = state.scene;
    finding.run = static_cast<int>(result_.runs.size());
    result_.runs.push_back({state.id, state.scene, std::move(next), FurtherRun::End::kFindings, {}});
    first_[key] = result_.findings.size();
    result_.findings.push_back(std::move(finding));
  }

  const Trace& plain_;
  const NextRunSpec& spec_;
  Again runs_;
  std::vector<std::string> command_;
  Views from_old_;  ///< what readers see after a run from the old state, for each of paths_
  Views from_new_;
  bool both_succeed_ = false;  ///< the runs from the old and from the new state
  bool rechecked_ = false;
  std::vector<std::string> paths_;
  std::set<Digest> seen_;
  std::vector<StartState> states_;
  std::map<std::pair<Outcome, std::string>, uint64_t> counts_;
  std::map<std::pair<Outcome, std::string>, size_t> first_;
  NextRunResult result_;
};

}  // namespace

Result<NextRunResult> RunAgainFromEveryState(Sandbox& sandbox, const Trace& plain, const NextRunSpec& spec) {
  return NextRun(sandbox, plain, spec).Run();
}

}  // namespace oldornew
