#include "oracle/honest.h"

#include <fcntl.h>

#include <algorithm>
#include <regex>

#include "base/text.h"
#include "interpose/plan.h"

namespace oldornew {

EndViolation Hangs(const EndedRun& run, const std::string& path) {
  EndViolation out = MakeViolation(Oracle::kHonest, Outcome::kHangs, Severity::kError, path);
  out.message = fmt::format("the command HANGS: it had not ended after {} s",
                            run.trace->duration_ns / 1'000'000'000);
  return out;
}

EndViolation Crashes(int signal, const std::string& path) {
  EndViolation out = MakeViolation(Oracle::kHonest, Outcome::kCrashes, Severity::kWarning, path);
  out.message =
      fmt::format("the command CRASHES (SIG{}) instead of reporting the error", SignalName(signal));
  return out;
}

namespace {

// Of content that differs from run to run only so much can be said: there is none, or less than two
// undisturbed runs have both made.
std::optional<Outcome> CutShort(const Trace& run, const WatchedEnd& watched,
                                const PlainEnds& ends) {
  if (watched.subject.places.size() != 1) return std::nullopt;
  const Place& place = watched.subject.places[0];
  const auto size_in = [&](const Trace& trace) -> std::optional<uint64_t> {
    const Sight sight = Look(trace, trace.new_tree, place);
    const InodeIndex at = sight.leads_to != kNoInode ? sight.leads_to : sight.inode;
    if (at == kNoInode) return std::nullopt;
    return trace.new_tree.at(at).content.size();
  };

  const auto now = size_in(run);
  const auto plain = size_in(ends.plain());
  const auto repeated = size_in(ends.repeated());
  if (!plain || !repeated) return std::nullopt;
  if (!now) return Outcome::kMissing;
  if (*now == 0 && *plain > 0 && *repeated > 0) return Outcome::kEmpty;
  if (plain == repeated && *now < *plain) return Outcome::kTruncated;
  return std::nullopt;
}

// The subject is neither old nor new; nullopt: that cannot be said of unstable content.
std::optional<EndViolation> LikeNoVersion(const EndedRun& run, const WatchedEnd& watched,
                                          const PlainEnds& ends, Oracle oracle,
                                          const std::string& how_it_ended) {
  const std::string& name = watched.subject.name;
  EndViolation out = MakeViolation(oracle, Outcome::kNotDone, Severity::kError, name);
  std::string at = name;
  if (watched.stable) {
    const Classified classified =
        Classify(ends.plain(), run.trace->new_tree, watched.subject, watched.history);
    out.outcome = classified.outcome;
    at = classified.at;
  } else {
    const std::optional<Outcome> cut = CutShort(*run.trace, watched, ends);
    if (!cut) return std::nullopt;
    out.outcome = *cut;
  }
  out.message =
      fmt::format("{} can {}, and the command {}", at, OutcomePhrase(out.outcome), how_it_ended);
  return out;
}

bool OwnRemovalFailed(const EndedRun& run, const std::string& path) {
  return WasHit(run, CallKind::kUnlink, path) || WasHit(run, CallKind::kRemoveDirectory, path);
}

}  // namespace

std::optional<EndViolation> Honest(const EndedRun& run, const WatchedEnd& watched,
                                   const PlainEnds& ends) {
  const std::string& name = watched.subject.name;
  const EndValue now = EndValueOf(*run.trace, run.trace->new_tree, watched.subject);
  if (Same(now, watched.after)) return std::nullopt;

  std::optional<EndViolation> out;
  if (Same(now, watched.before)) {
    const bool there = watched.before.view.kind != ReaderView::Kind::kNothing;
    out = MakeViolation(Oracle::kHonest, Outcome::kNotDone, Severity::kError, name);
    out->message = fmt::format("{} {} although the command reports success", name,
                               there ? "still holds the OLD content" : "is still not there");
  } else {
    out = LikeNoVersion(run, watched, ends, Oracle::kHonest, "reports success");
  }
  if (out && (OnlyLooksFailed(run) || OwnRemovalFailed(run, name)))
    out->severity = Severity::kWarning;
  return out;
}

std::optional<EndViolation> Versions(const EndedRun& run, const WatchedEnd& watched,
                                     const PlainEnds& ends) {
  const std::string& name = watched.subject.name;
  const EndValue now = EndValueOf(*run.trace, run.trace->new_tree, watched.subject);
  if (Same(now, watched.after) || Same(now, watched.before)) return std::nullopt;
  const auto& versions = watched.history.versions;
  if (std::any_of(versions.begin(), versions.end(),
                  [&](const Version& version) { return version.key == now.key; }))
    return std::nullopt;

  auto out = LikeNoVersion(run, watched, ends, Oracle::kAtomic, HowItEnded(*run.trace));
  // The program has been told something wrong about this very path.
  const FileCall* failed = run.failed_call;
  const bool misled = failed != nullptr && WasDone(*run.trace, *failed) &&
                      (failed->path == name || failed->path2 == name);
  if (out && (misled || OwnRemovalFailed(run, name))) out->severity = Severity::kWarning;
  return out;
}

// ---- failed, though committed

namespace {

// An explicit promise, not the bare "cannot write f". Looked for in a bounded part of what the
// command says: the time and stack that std::regex takes grow with it.
bool ClaimsNothingChanged(const std::string& said) {
  constexpr size_t kMostLookedAt = 4096;
  static const std::regex claims(
      "unchanged|untouched|rolled back|left (alone|intact|as it was)|"
      "nothing (was |has been |is )?(changed|written|modified|done)|"
      "not (been )?(changed|modified|touched|altered)",
      std::regex::icase | std::regex::optimize);
  return std::regex_search(said.substr(0, kMostLookedAt), claims);
}

// The call that failed reports on the commit itself, or on what was to make it durable.
bool CouldNotKnow(const EndedRun& run) {
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

}  // namespace

std::optional<EndViolation> FailedThoughCommitted(const EndedRun& run, const std::string& path) {
  const bool claims = ClaimsNothingChanged(run.trace->stderr_bytes);
  if (!claims && CouldNotKnow(run)) return std::nullopt;

  EndViolation out = MakeViolation(Oracle::kHonest, Outcome::kChangedThoughFailed,
                                   claims ? Severity::kError : Severity::kWarning, path);
  out.message = fmt::format("{} is NEW although the command {}", path, HowItEnded(*run.trace));
  out.any_call = !claims;
  return out;
}

// ---- readers of one path

std::optional<NotDone> HonestToReaders(const Readers& readers, bool comparable) {
  using Kind = ReaderView::Kind;
  const auto& [before, after, plain] = readers;
  if (plain.kind != Kind::kThere) return std::nullopt;
  const bool lost = after.kind != Kind::kThere;
  if (!lost && (!comparable || after == plain)) return std::nullopt;

  const char* found = after.kind == Kind::kNothing    ? "nothing"
                      : after.kind == Kind::kDangling ? "a link that leads to nothing"
                      : after == before               ? "the old content"
                                                      : "other content than after a plain run";
  return NotDone{lost, found};
}

bool ChangedThoughFailed(const Readers& readers) { return !(readers.after == readers.before); }

bool ModeChanged(const ReaderView& now, const ReaderView& plain) {
  return now.kind == ReaderView::Kind::kThere && plain.kind == ReaderView::Kind::kThere &&
         now.mode != plain.mode;
}

// ---- errors of syncs and closes

namespace {

// The last op that wrote what the failed sync or close is about, if nothing says that its bytes
// have reached the disk.
const Op* UnsafeWrite(const Trace& trace, const FileCall& hit) {
  const Op* last = nullptr;
  bool safe = false;
  for (const Op& op : trace.ops) {
    if (ChangesData(op.kind) && op.error == 0 && op.path == hit.path && op.begin < hit.begin) {
      last = &op;
      safe = false;
    }
    if (last == nullptr) continue;

    const bool its =
        op.object == last->object || op.kind == OpKind::kSyncAll || op.kind == OpKind::kSyncFs;
    if (IsSync(op.kind) && op.error == 0 && op.told == 0 && its && op.end < hit.begin) safe = true;
    // Written anew after the error: whoever does that has seen it.
    if (ChangesData(op.kind) && op.error == 0 && op.object == last->object && op.begin > hit.begin)
      safe = true;
  }
  if (last == nullptr || safe || (last->flags & (kFlagSync | kFlagDataSync)) != 0) return nullptr;
  return last;
}

}  // namespace

std::vector<EndViolation> ErrorsPassedOver(const EndedRun& run,
                                           const std::vector<WatchedEnd>& watched,
                                           bool closes_only) {
  std::vector<EndViolation> out;
  const Trace& trace = *run.trace;
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);

  for (const FileCall* hit : run.affected) {
    const CallKind kind = KindOfCall(*hit);
    if (kind != CallKind::kClose && (kind != CallKind::kSync || closes_only)) continue;
    const Op* write = UnsafeWrite(trace, *hit);
    if (write == nullptr) continue;

    const bool sync = kind == CallKind::kSync;
    for (const WatchedEnd& end : watched) {
      if (end.subject.places.size() != 1) continue;
      const Sight sight = Look(trace, live.tree(), end.subject.places[0]);
      if (sight.inode != write->object && sight.leads_to != write->object) continue;
      EndViolation violation =
          MakeViolation(sync ? Oracle::kDurable : Oracle::kHonest, Outcome::kLostAfterError,
                        sync ? Severity::kError : Severity::kWarning, end.subject.name);
      violation.message = fmt::format(
          "the command reports success although nothing says that the content of {} has reached "
          "the disk",
          end.subject.name);
      out.push_back(std::move(violation));
    }
  }
  return out;
}

}  // namespace oldornew
