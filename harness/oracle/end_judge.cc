#include "oracle/end_judge.h"

#include <algorithm>

#include "base/text.h"
#include "oracle/contained.h"
#include "oracle/honest.h"
#include "oracle/litter.h"

namespace oldornew {

EndJudge::EndJudge(const Trace& plain, const Trace& survey, const PathPatterns& patterns,
                   const Question& question, const CheckerPool& pool)
    : patterns_(patterns),
      question_(question),
      commands_(question, pool),
      ends_({&plain, &survey},
            [&patterns](const Trace&, const std::string& path) { return patterns.Of(path); }) {}

Status EndJudge::Prepare() {
  if (commands_.HasCheck()) RETURN_IF_ERROR(LearnChecks());
  if (commands_.HasView()) return LearnViews();

  RETURN_IF_ERROR(ends_.Watch(question_));
  if (!question_.ByBytes()) return {};
  for (const WatchedEnd& watched : ends_.watched()) {
    if (watched.stable) continue;
    notes_.push_back(
        fmt::format("{} differs from run to run: under faults it was held against what each run "
                    "itself had published",
                    watched.subject.name));
  }
  return {};
}

std::vector<std::string> EndJudge::FilesIn(const Trace& trace) const {
  std::vector<std::string> out;
  for (const WatchedEnd& watched : ends_.watched()) {
    if (watched.subject.places.size() != 1 || watched.cache) continue;
    const Place& place = watched.subject.places[0];
    const auto is_file = [&](const FileTree& tree) {
      const auto inode = tree.Lookup(place.path, place.root);
      return inode && tree.at(*inode).kind != FileKind::kDirectory;
    };
    if (is_file(trace.old_tree) || is_file(trace.new_tree)) out.push_back(watched.subject.name);
  }
  return out;
}

// ---- 3 InPlaceDatabases: the command that --view gives

Status EndJudge::LearnViews() {
  ASSIGN_OR_RETURN(old_view_, commands_.View(ends_.plain().old_tree));
  ASSIGN_OR_RETURN(new_view_, commands_.View(ends_.plain().new_tree));
  ASSIGN_OR_RETURN(asks_view_, IsStableView(ends_.runs(), commands_));
  if (!asks_view_)
    notes_.emplace_back(
        "--view prints something else after each run: runs with faults were not compared");
  return {};
}

// What a database may have committed on the way to an error, each transaction for itself.
Result<const std::set<std::string>*> EndJudge::ViewsOnTheWay() {
  constexpr size_t kMost = 200;
  if (!views_on_the_way_.empty()) return &views_on_the_way_;
  views_on_the_way_.insert(old_view_);

  std::set<Digest> seen;
  LiveTree live(ends_.plain());
  for (const Op& op : ends_.plain().ops) {
    live.Apply(op);
    if (seen.size() >= kMost || !ChangesTree(op.kind) ||
        !seen.insert(live.tree().RootDigest()).second)
      continue;
    ASSIGN_OR_RETURN(std::string output, commands_.View(live.tree()));
    views_on_the_way_.insert(std::move(output));
  }
  return &views_on_the_way_;
}

Status EndJudge::JudgeByView(const EndedRun& run, EndJudgement* out) {
  const bool ok = question_.Succeeded(*run.trace);
  ASSIGN_OR_RETURN(const std::string output, commands_.View(run.trace->new_tree));
  if (output == new_view_) {
    if (!ok && new_view_ != old_view_) JudgeCommitted(run, out);
    return {};
  }
  if (output == old_view_ && !ok) return {};

  EndViolation violation;
  violation.path = ".";
  violation.evidence = output;
  if (OnlyLooksFailed(run)) violation.severity = Severity::kWarning;
  if (output == old_view_) {
    violation.message =
        "the view command still prints what it prints for the old state although the command "
        "reports success";
    out->violations.push_back(std::move(violation));
    return {};
  }

  if (!ok) {
    ASSIGN_OR_RETURN(const std::set<std::string>* known, ViewsOnTheWay());
    if (known->contains(output)) return {};
    violation.oracle = Oracle::kAtomic;
  }
  violation.outcome = Outcome::kUnlikeAnyVersion;
  violation.message =
      fmt::format("the view command prints {}, as for no version, and the command {}",
                  Quote(output, 80), HowItEnded(*run.trace));
  out->violations.push_back(std::move(violation));
  return {};
}

// ---- 3 InPlaceDatabases: the command that --check gives

// That it accepts what the recorded run found and left has been made sure of before.
Status EndJudge::LearnChecks() {
  asks_check_ = true;
  for (const Trace* run : ends_.runs()) {
    ASSIGN_OR_RETURN(const CheckerAnswer answer, commands_.Check(*run));
    asks_check_ = asks_check_ && answer.exit_status == 0;
  }
  if (!asks_check_)
    notes_.emplace_back(
        "--check rejects what one of the runs without a fault leaves: it was not asked about runs "
        "with faults");
  return {};
}

Status EndJudge::JudgeByCheck(const EndedRun& run, EndJudgement* out) {
  ASSIGN_OR_RETURN(const CheckerAnswer answer, commands_.Check(*run.trace));
  if (answer.exit_status == 0) return {};

  EndViolation violation =
      MakeViolation(Oracle::kCheck, Outcome::kRejectedByCheck, Severity::kError, ".");
  violation.message = fmt::format(
      "the check command rejects what is left (exit {}), and the command {}", answer.exit_status,
      question_.Succeeded(*run.trace) ? "reports success" : HowItEnded(*run.trace));
  violation.evidence = answer.output;
  out->violations.push_back(std::move(violation));
  return {};
}

// ---- 1 Versions, 6 Key, 12 Honest: watched paths

void EndJudge::JudgeByBytes(const EndedRun& run, EndJudgement* out) const {
  const Trace& trace = *run.trace;
  const bool ok = question_.Succeeded(trace);
  bool changes_something = false;
  bool all_new = true;
  for (const WatchedEnd& watched : ends_.watched()) {
    const EndValue now = EndValueOf(trace, trace.new_tree, watched.subject);
    const bool is_new = Same(now, watched.after);
    all_new = all_new && is_new;
    changes_something = changes_something || !Same(watched.before, watched.after);
    if (watched.cache) continue;

    auto wrong = ok ? Honest(run, watched, ends_) : Versions(run, watched, ends_);
    if (wrong) out->violations.push_back(std::move(*wrong));

    const ReaderView repeated =
        EndValueOf(ends_.repeated(), ends_.repeated().new_tree, watched.subject).view;
    const uint32_t wanted = watched.after.view.mode;
    if (!ok || !is_new || repeated.mode != wanted || !ModeChanged(now.view, watched.after.view))
      continue;
    EndViolation mode = MakeViolation(Oracle::kAttrs, Outcome::kModeChanged, Severity::kWarning,
                                      watched.subject.name);
    mode.message =
        fmt::format("{} has mode {:04o}, not {:04o}, although the command reports success",
                    watched.subject.name, now.view.mode, wanted);
    out->violations.push_back(std::move(mode));
  }

  if (!ok && FatalSignal(trace) == 0 && changes_something && all_new) JudgeCommitted(run, out);
}

void EndJudge::JudgeCommitted(const EndedRun& run, EndJudgement* out) const {
  out->committed_though_failed = true;
  if (run.failed_call == nullptr) return;
  if (auto wrong = FailedThoughCommitted(run, ends_.FirstPath()))
    out->violations.push_back(std::move(*wrong));
}

// ---- 11 Litter, 13 Private

void EndJudge::JudgeLitter(const EndedRun& run, EndJudgement* out) const {
  const Trace& trace = *run.trace;
  const bool ok = question_.Succeeded(trace);
  LitterRule rule;
  rule.is_known = [&](const std::string& path) { return ends_.there().Has(trace, path); };
  for (const Place& place : FindLitter(trace, rule)) {
    const std::string name = ShowPlace(trace, place);
    if (RemovalWasHit(run, name)) continue;
    if (!ok && place.root == 0 && KeepsTheOld(trace, place.path, ends_.watched())) continue;
    // What a database finds again under its name and makes good belongs to it: --view and --check
    // look through it.
    const bool fixed = patterns_.IsFixed(name);
    if (fixed && !question_.ByBytes()) continue;

    EndViolation violation = MakeViolation(Oracle::kClean, Outcome::kLitter,
                                           fixed ? Severity::kWarning : Severity::kError, name);
    violation.message = fmt::format("{} is left behind", name);
    violation.piles_up = !fixed;
    if (const auto leak = FindLeak(trace, place, ends_)) {
      violation.message += fmt::format(" with the new content of {}", leak->of);
      if (leak->exposed) {
        violation.oracle = Oracle::kPrivate;
        violation.outcome = Outcome::kExposed;
        violation.severity = Severity::kError;
        violation.message += ", a secret that everyone can READ there";
        violation.piles_up = false;
      }
    }
    if (!fixed) violation.message += kLeavesOneMore;
    violation.message +=
        fmt::format("; the command {}", ok ? "reports success" : HowItEnded(trace));
    out->violations.push_back(std::move(violation));
  }
}

// ---- 14 Contained

void EndJudge::JudgeOthers(const EndedRun& run, EndJudgement* out) const {
  const Trace& trace = *run.trace;
  const auto report = [&](const std::string& path, std::string message) {
    EndViolation violation =
        MakeViolation(Oracle::kContained, Outcome::kChangedOutside, Severity::kError, path);
    violation.message = std::move(message);
    out->violations.push_back(std::move(violation));
  };

  const auto was_there = [&](const std::string& top) {
    return trace.old_tree.Lookup(top).has_value();
  };
  const auto meant = [&](const std::string& path, bool gone) {
    return ends_.touched().Has(trace, path) || (!gone && ends_.touched().Covers(path, was_there));
  };
  for (const std::string& path : FindChangedOthers(trace, meant)) {
    const char* what = trace.new_tree.Lookup(path) ? "changes" : "REMOVES";
    report(path, fmt::format("the command {} {}, which a plain run leaves alone", what, path));
  }

  const auto asked = [&](const std::string& path) {
    return std::any_of(ends_.watched().begin(), ends_.watched().end(), [&](const WatchedEnd& end) {
      const std::vector<Place>& places = end.subject.places;
      return std::any_of(places.begin(), places.end(), [&](const Place& place) {
        return IsOrBelow(path, ShowPlace(ends_.plain(), place));
      });
    });
  };
  for (const std::string& path : FindRemovedForeign(run, asked)) {
    report(path, fmt::format("the command removes {}, although it has just been told that it is "
                             "another's",
                             path));
  }
}

// ---- all of them

Result<EndJudgement> EndJudge::Judge(const EndedRun& run) {
  EndJudgement out;
  if (run.hung) {
    out.violations.push_back(Hangs(run, ends_.FirstPath()));
    return out;
  }
  const int signal = FatalSignal(*run.trace);
  if (signal != 0) out.violations.push_back(Crashes(signal, ends_.FirstPath()));

  if (asks_view_) RETURN_IF_ERROR(JudgeByView(run, &out));
  if (asks_check_) RETURN_IF_ERROR(JudgeByCheck(run, &out));
  if (question_.ByBytes()) JudgeByBytes(run, &out);

  // Who has died or works on a dead disk cannot clean up.
  if (signal == 0 && !run.disk_is_dead) JudgeLitter(run, &out);
  JudgeOthers(run, &out);
  return out;
}

std::vector<EndViolation> EndJudge::JudgeSyncs(const EndedRun& run, bool closes_only) const {
  // By bytes: the commands are asked what power cuts do to such runs.
  if (!question_.Succeeded(*run.trace) || run.hung || !question_.ByBytes()) return {};
  return ErrorsPassedOver(run, ends_.watched(), closes_only);
}

}  // namespace oldornew
