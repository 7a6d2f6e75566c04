#include "rerun/next_run.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "base/text.h"
#include "explore/case.h"
#include "oracle/watch.h"
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
      : sandbox_(sandbox), plain_(plain), spec_(spec) {
    command_ = spec.recover.empty() ? plain.command : spec.recover;
  }

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
  bool Succeeded(const Trace& trace) const {
    return std::find(spec_.ok_exit.begin(), spec_.ok_exit.end(), trace.exit_status) != spec_.ok_exit.end();
  }

  Result<Trace> RunFrom(const FileTree* tree) {
    if (tree != nullptr) RETURN_IF_ERROR(sandbox_.Present(*tree));
    RunSpec run = spec_.run;
    run.command = command_;
    return RecordIn(sandbox_, run);
  }

  // ---- what the next run is held against

  Status MakeReferences() {
    made_ = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(from_old_, RunFrom(&plain_.old_tree));
    ASSIGN_OR_RETURN(const Trace again, RunFrom(&plain_.old_tree));
    ASSIGN_OR_RETURN(from_new_, RunFrom(&plain_.new_tree));
    ASSIGN_OR_RETURN(const auto subjects, ChooseSubjects(plain_, {}));
    for (const Subject& subject : subjects) {
      for (const Place& place : subject.places) {
        if (place.root != 0 || subject.whole_directory) continue;
        const ReaderView one = ViewOf(from_old_, from_old_.new_tree, place.path);
        if (one == ViewOf(again, again.new_tree, place.path)) {
          paths_.push_back(place.path);
        } else {
          result_.notes.push_back(fmt::format(
              "{} differs from run to run: after next runs its content was not compared", place.path));
        }
      }
    }
    seen_.insert(plain_.old_tree.RootDigest(true));
    seen_.insert(plain_.new_tree.RootDigest(true));
    return {};
  }

  // Does a run from the old state still end alike on this path, a second later? What carries the time does
  // not, and is no longer compared (oracles.md 7).
  Result<bool> IsStable(size_t index) {
    if (rechecked_) return true;
    std::this_thread::sleep_until(made_ + std::chrono::milliseconds(1100));
    ASSIGN_OR_RETURN(const Trace later, RunFrom(&plain_.old_tree));
    rechecked_ = true;
    const Views before = ViewsOf(from_old_);
    const Views after = ViewsOf(later);
    const bool stable = before[index] == after[index];
    for (size_t i = paths_.size(); i-- > 0;) {
      if (before[i] == after[i]) continue;
      result_.notes.push_back(
          fmt::format("{} differs from run to run: after next runs its content was not compared", paths_[i]));
      paths_.erase(paths_.begin() + static_cast<ptrdiff_t>(i));
    }
    return stable;
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
    ASSIGN_OR_RETURN(Trace next, RunFrom(&state.tree));
    if (!next.obstacles.empty()) {
      result_.exhaustive = false;
      result_.notes.push_back(
          fmt::format("{} the next run cannot be judged: {}", state.scene, next.obstacles[0].reason));
      return {};
    }
    const bool fails_somewhere = !Succeeded(from_old_) || !Succeeded(from_new_);
    if (!Succeeded(next)) return fails_somewhere ? Status() : JudgeFailure(state, std::move(next));
    const Views views = ViewsOf(next);
    if (views == ViewsOf(from_old_) || views == ViewsOf(from_new_)) return {};
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (views[i] == ViewsOf(from_old_)[i] || views[i] == ViewsOf(from_new_)[i]) continue;
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
      ASSIGN_OR_RETURN(const Trace third, RunFrom(nullptr));
      if (!Succeeded(third)) continue;
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
    Finding finding;
    finding.oracle = Oracle::kRecoverable;
    finding.severity = severity;
    finding.path = finding.at = path;
    finding.outcomes[outcome] = {};
    finding.shown = outcome;
    finding.message = fmt::format("{}: {}", state.scene, what);
    finding.scene = state.scene;
    finding.token = FormatToken(EndCase{state.id, next.Identity().Short()});
    finding.run = static_cast<int>(result_.runs.size());
    result_.runs.push_back({state.id, state.scene, std::move(next), FurtherRun::End::kFindings, {}});
    first_[key] = result_.findings.size();
    result_.findings.push_back(std::move(finding));
  }

  Sandbox& sandbox_;
  const Trace& plain_;
  const NextRunSpec& spec_;
  std::vector<std::string> command_;
  Trace from_old_;
  Trace from_new_;
  std::chrono::steady_clock::time_point made_;  ///< when the first reference was
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
