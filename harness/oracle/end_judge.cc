#include "oracle/end_judge.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <regex>

#include "base/text.h"
#include "interpose/plan.h"
#include "oracle/checker.h"
#include "oracle/end_judge_parts.h"

namespace oldornew {

namespace {

bool DiedOf(const Trace& trace, int* signal) {
  for (const int fatal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) {
    if (trace.exit_status != 128 + fatal) continue;
    *signal = fatal;
    return true;
  }
  return false;
}

bool Hit(const EndedRun& run, CallKind kind, const std::string& path) {
  return std::any_of(run.affected.begin(), run.affected.end(), [&](const FileCall* hit) {
    return KindOfCall(*hit) == kind && hit->path == path;
  });
}

// Nothing but looks failed.
bool OnlyLooksFailed(const EndedRun& run) {
  return std::all_of(run.affected.begin(), run.affected.end(),
                     [](const FileCall* hit) { return OnlyLooks(KindOfCall(*hit)); });
}

}  // namespace

EndJudge::EndJudge(const Trace& plain, const Trace& survey, const PathPatterns& patterns,
                   const Question& question, const CheckerPool& pool)
    : plain_(plain), survey_(survey), patterns_(patterns), question_(question), pool_(pool) {
  Know(plain);
  Know(survey);
}

void EndJudge::AlsoPlain(const Trace& later) {
  later_ = &later;
  Know(later);
}

void EndJudge::Know(const Trace& trace) {
  for (const FileTree* tree : {&trace.old_tree, &trace.new_tree}) {
    for (size_t root = 0; root < trace.roots.size() && root < tree->roots().size(); ++root) {
      for (const auto& [path, inode] : tree->Walk(root))
        clean_.insert(patterns_.Of(ShowPlace(trace, {root, path})));
    }
  }
  for (const Op& op : trace.ops) {
    if (op.error != 0 || !ChangesTree(op.kind)) continue;
    for (const std::string* path : {&op.path, &op.path2}) {
      if (!path->empty()) touched_.insert(patterns_.Of(*path));
    }
  }
}

bool EndJudge::Succeeded(const Trace& trace) const { return question_.Succeeded(trace); }

std::vector<std::string> EndJudge::FilesIn(const Trace& trace) const {
  std::vector<std::string> out;
  for (const Watched& watched : watched_) {
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

EndJudge::Value EndJudge::ValueOf(const Trace& trace, const FileTree& tree,
                                  const Subject& subject) {
  Value out{KeyOf(trace, tree, subject), {}};
  if (subject.places.size() == 1 && subject.places[0].root == 0)
    out.view = ViewOf(trace, tree, subject.places[0].path);
  return out;
}

// Readers do not see where a symlink leads, only what they find there: its target may have a random
// name.
bool EndJudge::Same(const Value& a, const Value& b) {
  if (a.key == b.key) return true;
  return a.view.through_link && b.view.through_link && a.view.kind == ReaderView::Kind::kThere &&
         a.view == b.view;
}

Status EndJudge::Prepare() {
  if (Viewed()) return LearnViews();
  ASSIGN_OR_RETURN(const std::vector<Subject> subjects, SubjectsToJudge(plain_, question_));
  for (const Subject& subject : subjects) {
    Watched& watched = watched_.emplace_back();
    watched.subject = subject;
    watched.history = TraceVersions(plain_, subject, question_.ack);
    watched.before = ValueOf(plain_, plain_.old_tree, subject);
    watched.after = ValueOf(plain_, plain_.new_tree, subject);
    watched.cache = IsCache(subject.name);
    watched.stable =
        Same(watched.after, ValueOf(survey_, survey_.new_tree, subject)) &&
        (later_ == nullptr || Same(watched.after, ValueOf(*later_, later_->new_tree, subject)));
    if (!watched.stable) {
      notes_.push_back(fmt::format(
          "{} differs from run to run: under faults it was held against what each run itself had "
          "published",
          subject.name));
    }
  }
  return {};
}

// ---- the command that --view gives

Result<std::string> EndJudge::View(const FileTree& tree) const {
  ASSIGN_OR_RETURN(const CheckerAnswer answer,
                   pool_[0].view(WithoutVolatile(tree, question_.volatile_globs), {}));
  return ShowAnswer(answer);
}

Status EndJudge::LearnViews() {
  ASSIGN_OR_RETURN(old_view_, View(plain_.old_tree));
  ASSIGN_OR_RETURN(new_view_, View(plain_.new_tree));
  ASSIGN_OR_RETURN(const std::string again, View(survey_.new_tree));
  stable_view_ = again == new_view_;
  if (later_ != nullptr && stable_view_) {
    ASSIGN_OR_RETURN(const std::string later, View(later_->new_tree));
    stable_view_ = later == new_view_;
  }
  if (!stable_view_)
    notes_.emplace_back(
        "--view prints something else after each run: runs with faults were not compared");
  return {};
}

// What a database may have committed on the way to an error, each transaction for itself.
Result<std::set<std::string>*> EndJudge::PrefixViews() {
  constexpr size_t kMost = 200;
  if (prefixes_known_) return &prefix_views_;
  prefixes_known_ = true;
  std::set<Digest> seen;
  LiveTree live(plain_);
  for (const Op& op : plain_.ops) {
    live.Apply(op);
    if (seen.size() >= kMost || !ChangesTree(op.kind) ||
        !seen.insert(live.tree().RootDigest()).second)
      continue;
    ASSIGN_OR_RETURN(std::string output, View(live.tree()));
    prefix_views_.insert(std::move(output));
  }
  return &prefix_views_;
}

Status EndJudge::JudgeView(const EndedRun& run, EndJudgement* out) {
  if (!stable_view_) return {};
  ASSIGN_OR_RETURN(const std::string output, View(run.trace->new_tree));
  if (output == new_view_) {
    if (!Succeeded(*run.trace) && new_view_ != old_view_) JudgeCommitted(run, out);
    return {};
  }
  EndViolation violation{Oracle::kHonest, Outcome::kNotDone, Severity::kError, ".", "", false,
                         output};
  if (OnlyLooksFailed(run)) violation.severity = Severity::kWarning;
  if (output == old_view_) {
    if (!Succeeded(*run.trace)) return {};
    violation.message =
        "the view command still prints what it prints for the old state although the command "
        "reports success";
    out->violations.push_back(std::move(violation));
    return {};
  }
  if (!Succeeded(*run.trace)) {
    ASSIGN_OR_RETURN(const std::set<std::string>* known, PrefixViews());
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

// ---- watched paths

// Of content that differs from run to run only so much can be said: there is none, or less than two
// plain runs have both made.
std::optional<Outcome> EndJudge::Cut(const EndedRun& run, const Watched& watched) const {
  if (watched.subject.places.size() != 1) return std::nullopt;
  const Place& place = watched.subject.places[0];
  const auto size_in = [&](const Trace& trace) -> std::optional<uint64_t> {
    const Sight sight = Look(trace, trace.new_tree, place);
    const InodeIndex at = sight.leads_to != kNoInode ? sight.leads_to : sight.inode;
    if (at == kNoInode) return std::nullopt;
    return trace.new_tree.at(at).content.size();
  };
  const auto now = size_in(*run.trace);
  const auto plain = size_in(plain_);
  const auto survey = size_in(survey_);
  if (!plain || !survey) return std::nullopt;
  if (!now) return Outcome::kMissing;
  if (*now == 0 && *plain > 0 && *survey > 0) return Outcome::kEmpty;
  if (plain == survey && *now < *plain) return Outcome::kTruncated;
  return std::nullopt;
}

void EndJudge::JudgeSubject(const EndedRun& run, const Watched& watched, EndJudgement* out) const {
  const Trace& trace = *run.trace;
  const std::string& name = watched.subject.name;
  const Value now = ValueOf(trace, trace.new_tree, watched.subject);
  const bool ok = Succeeded(trace);
  if (Same(now, watched.after)) return ok ? JudgeMode(run, watched, out) : void();
  const bool is_old = Same(now, watched.before);
  if (is_old && !ok) return;
  const auto version = [&](const Version& v) { return v.key == now.key; };
  const auto& versions = watched.history.versions;
  if (!ok && std::any_of(versions.begin(), versions.end(), version)) return;
  const std::optional<Outcome> cut = watched.stable || is_old ? std::nullopt : Cut(run, watched);
  if (!watched.stable && !is_old && !cut) return;
  EndViolation violation{ok ? Oracle::kHonest : Oracle::kAtomic,
                         Outcome::kNotDone,
                         Severity::kError,
                         name,
                         "",
                         false,
                         {}};
  const bool own_removal =
      Hit(run, CallKind::kUnlink, name) || Hit(run, CallKind::kRemoveDirectory, name);
  const bool told_wrong = !ok && run.failed_call != nullptr && WasDone(trace, *run.failed_call) &&
                          (run.failed_call->path == name || run.failed_call->path2 == name);
  if ((ok && OnlyLooksFailed(run)) || own_removal || told_wrong)
    violation.severity = Severity::kWarning;
  if (is_old) {
    const bool there = watched.before.view.kind != ReaderView::Kind::kNothing;
    violation.message = fmt::format("{} {} although the command reports success", name,
                                    there ? "still holds the OLD content" : "is still not there");
  } else {
    const Classified classified =
        cut ? Classified{*cut, name}
            : Classify(plain_, trace.new_tree, watched.subject, watched.history);
    violation.outcome = classified.outcome;
    violation.message =
        fmt::format("{} can {}, and the command {}", classified.at,
                    OutcomePhrase(classified.outcome), ok ? "reports success" : HowItEnded(trace));
  }
  out->violations.push_back(std::move(violation));
}

void EndJudge::JudgeMode(const EndedRun& run, const Watched& watched, EndJudgement* out) const {
  const ReaderView now = ValueOf(*run.trace, run.trace->new_tree, watched.subject).view;
  const ReaderView again = ValueOf(survey_, survey_.new_tree, watched.subject).view;
  const uint32_t wanted = watched.after.view.mode;
  if (now.kind != ReaderView::Kind::kThere || now.mode == wanted || again.mode != wanted) return;
  out->violations.push_back(
      {Oracle::kAttrs,
       Outcome::kModeChanged,
       Severity::kWarning,
       watched.subject.name,
       fmt::format("{} has mode {:04o}, not {:04o}, although the command reports success",
                   watched.subject.name, now.mode, wanted),
       false,
       {}});
}

// ---- reported as failed

// Of what a command that fails says: an explicit promise, not the bare "cannot write f".
bool ClaimsNothingChanged(const std::string& said) {
  static const std::regex claims(
      "unchanged|untouched|rolled back|left (alone|intact|as it was)|"
      "nothing (was |has been |is )?(changed|written|modified|done)|"
      "not (been )?(changed|modified|touched|altered)",
      std::regex::icase | std::regex::optimize);
  return std::regex_search(said.substr(0, 4096), claims);
}

// The call that failed tells of the commit itself, or of what was to make it durable.
bool EndJudge::CouldNotKnow(const EndedRun& run) const {
  const FileCall& hit = *run.failed_call;
  const CallKind kind = KindOfCall(hit);
  if (kind == CallKind::kSync || kind == CallKind::kClose) return true;
  if (WasDone(*run.trace, hit)) return true;
  // A directory is opened to be synced.
  if (kind != CallKind::kOpen) return false;
  const auto inode = run.trace->old_tree.Lookup(hit.path);
  return (hit.open_flags & O_DIRECTORY) != 0 ||
         (inode && run.trace->old_tree.at(*inode).kind == FileKind::kDirectory);
}

void EndJudge::JudgeCommitted(const EndedRun& run, EndJudgement* out) const {
  out->committed_though_failed = true;
  const std::string path = watched_.empty() ? "." : watched_.front().subject.name;
  if (run.failed_call == nullptr) return;
  const bool claims = ClaimsNothingChanged(run.trace->stderr_bytes);
  if (!claims && CouldNotKnow(run)) return;
  out->violations.push_back(
      {Oracle::kHonest,
       Outcome::kChangedThoughFailed,
       claims ? Severity::kError : Severity::kWarning,
       path,
       fmt::format("{} is NEW although the command {}", path, HowItEnded(*run.trace)),
       /*any_call=*/!claims,
       {}});
}

// ---- what belongs to others

void EndJudge::JudgeOthers(const EndedRun& run, EndJudgement* out) const {
  const Trace& trace = *run.trace;
  for (const std::string& path : ChangedPaths(trace)) {
    if (!trace.old_tree.Lookup(path) || touched_.contains(patterns_.Of(path))) continue;
    const auto below = [&](const std::string& other) {
      return IsOrBelow(path, other) && trace.old_tree.Lookup(other).has_value();
    };
    const bool in_touched = std::any_of(touched_.begin(), touched_.end(), below);
    const bool gone = !trace.new_tree.Lookup(path);
    if (in_touched && !gone) continue;
    out->violations.push_back({Oracle::kContained,
                               Outcome::kChangedOutside,
                               Severity::kError,
                               path,
                               fmt::format("the command {} {}, which a plain run leaves alone",
                                           gone ? "REMOVES" : "changes", path),
                               false,
                               {}});
  }
}

// Made with O_EXCL, so that nobody else's file is taken; and when there is one, it is removed. Not
// of what the command is there to replace: tar removes a file that is in the way of an extracted
// one.
void EndJudge::JudgeForeignRemoval(const EndedRun& run, EndJudgement* out) const {
  const auto asked_for = [&](const std::string& path) {
    return std::any_of(watched_.begin(), watched_.end(), [&](const Watched& watched) {
      const std::vector<Place>& places = watched.subject.places;
      return std::any_of(places.begin(), places.end(), [&](const Place& place) {
        return IsOrBelow(path, ShowPlace(plain_, place));
      });
    });
  };
  for (const FileCall* hit : run.affected) {
    if (hit->told != -EEXIST || KindOfCall(*hit) != CallKind::kCreate || asked_for(hit->path))
      continue;
    // Replaced: who removes it to make it anew has meant to.
    const auto makes = [&](const Op& op) {
      return op.kind == OpKind::kCreate && op.error == 0 && op.path == hit->path &&
             op.begin > hit->begin;
    };
    if (std::any_of(run.trace->ops.begin(), run.trace->ops.end(), makes)) continue;
    for (const Op& op : run.trace->ops) {
      if (op.begin <= hit->begin || op.path != hit->path) continue;
      if (op.kind != OpKind::kUnlink) continue;
      out->violations.push_back(
          {Oracle::kContained,
           Outcome::kChangedOutside,
           Severity::kError,
           hit->path,
           fmt::format("the command removes {}, although it has just been told that it is "
                       "another's",
                       hit->path),
           false,
           {}});
      break;
    }
  }
}

Result<EndJudgement> EndJudge::Judge(const EndedRun& run) {
  EndJudgement out;
  const Trace& trace = *run.trace;
  const std::string path = watched_.empty() ? "." : watched_.front().subject.name;
  if (run.hung) {
    out.violations.push_back({Oracle::kHonest,
                              Outcome::kHangs,
                              Severity::kError,
                              path,
                              fmt::format("the command HANGS: it had not ended after {} s",
                                          trace.duration_ns / 1'000'000'000),
                              false,
                              {}});
    return out;
  }
  int signal = 0;
  const bool died = DiedOf(trace, &signal);
  if (died) {
    out.violations.push_back(
        {Oracle::kHonest,
         Outcome::kCrashes,
         Severity::kWarning,
         path,
         fmt::format("the command CRASHES (SIG{}) instead of reporting the error",
                     SignalName(signal)),
         false,
         {}});
  }
  if (Viewed()) {
    RETURN_IF_ERROR(JudgeView(run, &out));
  } else {
    for (const Watched& watched : watched_) {
      if (!watched.cache) JudgeSubject(run, watched, &out);
    }
    const auto is_new = [&](const Watched& watched) {
      return Same(ValueOf(trace, trace.new_tree, watched.subject), watched.after);
    };
    const auto changes = [&](const Watched& watched) {
      return !Same(watched.before, watched.after);
    };
    if (!Succeeded(trace) && !died && std::any_of(watched_.begin(), watched_.end(), changes) &&
        std::all_of(watched_.begin(), watched_.end(), is_new))
      JudgeCommitted(run, &out);
  }
  if (!died && CouldCleanUp(run)) JudgeLitter(run, &out);
  JudgeOthers(run, &out);
  JudgeForeignRemoval(run, &out);
  return out;
}

// ---- errors of syncs and closes

std::vector<EndViolation> EndJudge::JudgeSyncs(const EndedRun& run, bool closes_only) const {
  std::vector<EndViolation> out;
  const Trace& trace = *run.trace;
  if (!Succeeded(trace) || run.hung) return out;
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  for (const FileCall* hit : run.affected) {
    const CallKind kind = KindOfCall(*hit);
    if (kind != CallKind::kClose && (kind != CallKind::kSync || closes_only)) continue;
    const Op* last_write = nullptr;
    bool safe = false;
    for (const Op& op : trace.ops) {
      if (ChangesData(op.kind) && op.error == 0 && op.path == hit->path && op.begin < hit->begin) {
        last_write = &op;
        safe = false;
      }
      if (last_write == nullptr) continue;
      const bool its = op.object == last_write->object || op.kind == OpKind::kSyncAll ||
                       op.kind == OpKind::kSyncFs;
      if (IsSync(op.kind) && op.error == 0 && op.told == 0 && its && op.end < hit->begin)
        safe = true;
      // Written anew after the error: whoever does that has seen it.
      if (ChangesData(op.kind) && op.error == 0 && op.object == last_write->object &&
          op.begin > hit->begin)
        safe = true;
    }
    if (last_write == nullptr || safe || (last_write->flags & (kFlagSync | kFlagDataSync)) != 0)
      continue;
    for (const Watched& watched : watched_) {
      if (watched.subject.places.size() != 1) continue;
      const Sight sight = Look(trace, live.tree(), watched.subject.places[0]);
      if (sight.inode != last_write->object && sight.leads_to != last_write->object) continue;
      const bool sync = kind == CallKind::kSync;
      out.push_back(
          {sync ? Oracle::kDurable : Oracle::kHonest,
           Outcome::kLostAfterError,
           sync ? Severity::kError : Severity::kWarning,
           watched.subject.name,
           fmt::format(
               "the command reports success although nothing says that the content of {} has "
               "reached the disk",
               watched.subject.name),
           false,
           {}});
    }
  }
  return out;
}

}  // namespace oldornew
