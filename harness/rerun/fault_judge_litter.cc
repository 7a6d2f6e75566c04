// The fault judge: what a run leaves behind that is neither the old state's nor a clean run's.
#include <algorithm>
#include <cerrno>

#include "oracle/privacy.h"
#include "rerun/fault_judge.h"
#include "rerun/fault_judge_parts.h"

namespace oldornew {

namespace {
constexpr char kPilesUp[] = ", and each failed run leaves one more";
}

bool FaultJudge::RemovalWasHit(const FaultedRun& run, const std::string& path) const {
  return std::any_of(run.hits.begin(), run.hits.end(), [&](const FileCall* hit) {
    const CallKind kind = KindOfCall(*hit);
    // Made, and told that it was not: nobody removes that.
    if (kind == CallKind::kCreate && hit->path == path && WasDone(*run.trace, *hit)) return true;
    if (kind == CallKind::kLink && hit->path2 == path && WasDone(*run.trace, *hit)) return true;
    if (!IsOrBelow(hit->path, path)) return false;
    if (kind == CallKind::kUnlink || kind == CallKind::kRemoveDirectory) return true;
    // A directory is opened and listed to be removed with all that is in it.
    return (kind == CallKind::kOpen || kind == CallKind::kList) &&
           RemovalWasTried(*run.trace, *hit, path);
  });
}

// The run tried to remove `path`, or something in it, around the call.
bool FaultJudge::RemovalWasTried(const Trace& trace, const FileCall& hit, const std::string& path) {
  const auto root = FindPlace(trace, path);
  const auto inode = root ? trace.new_tree.Lookup(root->path, root->root) : std::nullopt;
  if (!inode || trace.new_tree.at(*inode).kind != FileKind::kDirectory) return false;
  const auto tried = [&](const Op& op) {
    return op.kind == OpKind::kUnlink && IsOrBelow(op.path, path);
  };
  // What was removed before the call was for another reason, unless it is the directory itself.
  return std::any_of(trace.ops.begin(), trace.ops.end(), [&](const Op& op) {
    return tried(op) && (op.begin > hit.begin || op.path == path || op.path == hit.path);
  });
}

// The old version of a watched path or of a directory that holds some, which readers do not find
// there any more: a failed run that keeps it does well.
bool FaultJudge::KeepsTheOld(const Trace& trace, const std::string& path) const {
  if (Succeeded(trace)) return false;
  const ReaderView left = ViewOf(trace, trace.new_tree, path);
  for (const Watched& watched : watched_) {
    if (watched.subject.places.size() != 1 || watched.subject.places[0].root != 0) continue;
    for (std::string at = watched.subject.places[0].path; !at.empty();
         at.resize(at.find('/') == std::string::npos ? 0 : at.rfind('/'))) {
      const ReaderView before = ViewOf(trace, trace.old_tree, at);
      if (before.kind == ReaderView::Kind::kThere && left == before &&
          !(ViewOf(trace, trace.new_tree, at) == before))
        return true;
    }
  }
  return false;
}

// The watched file whose content a left-over file holds, or a good part of it; `exposed`: and more
// people can read it there. Empty: none.
std::string FaultJudge::SecretIn(const FaultedRun& run, size_t root, const std::string& path,
                                 InodeIndex inode, bool* exposed) const {
  constexpr uint64_t kLeast = 12;  // less in common is chance
  const FileTree& tree = run.trace->new_tree;
  const Inode& left = tree.at(inode);
  if (left.kind != FileKind::kFile || left.content.size() < kLeast) return {};
  // Who is nobody in particular, on the way to the file and at it.
  const auto open_to_all = [](const FileTree& t, size_t r, const std::string& p) {
    constexpr int64_t kStranger = -2;
    InodeIndex at = t.roots()[r];
    bool open = true;
    for (const std::string& name : Split(p, '/')) {
      open = open && Permits(t.at(at), kStranger, -1, 1);
      at = t.at(at).entries.at(name);
    }
    return open && Permits(t.at(at), kStranger, -1, 4);
  };
  for (const Watched& watched : watched_) {
    if (watched.subject.places.size() != 1) continue;
    const Place& place = watched.subject.places[0];
    const auto wanted = plain_.new_tree.Lookup(place.path, place.root);
    if (!wanted || plain_.new_tree.at(*wanted).kind != FileKind::kFile) continue;
    const Content& content = plain_.new_tree.at(*wanted).content;
    if (left.content.size() > content.size() ||
        !(content.WithSize(left.content.size()) == left.content))
      continue;
    const bool old_open = plain_.old_tree.Lookup(place.path, place.root) &&
                          open_to_all(plain_.old_tree, place.root, place.path);
    *exposed = open_to_all(tree, root, path) && !old_open &&
               !open_to_all(plain_.new_tree, place.root, place.path);
    return watched.subject.name;
  }
  return {};
}

// On a dead disk nothing can be removed, whether that was tried or not.
bool FaultJudge::CouldCleanUp(const FaultedRun& run) const {
  return run.way != FaultWay::kFromThenOn || run.guilty->told == -EMFILE;
}

void FaultJudge::JudgeLitter(const FaultedRun& run, FaultJudgement* out) const {
  const Trace& trace = *run.trace;
  for (size_t root = 0; root < trace.roots.size() && root < trace.new_tree.roots().size(); ++root) {
    if (trace.roots[root].role == RootRole::kThrowAway) continue;
    std::string top;  // of what was reported last: all that is in it goes with it
    for (const auto& [path, inode] : trace.new_tree.Walk(root)) {
      if (path.empty() || (!top.empty() && IsOrBelow(path, top))) continue;
      const std::string name = ShowPlace(trace, {root, path});
      if (trace.old_tree.Lookup(path, root) || clean_.contains(patterns_.Of(name)) || IsCache(path))
        continue;
      top = path;
      if (RemovalWasHit(run, name) || (root == 0 && KeepsTheOld(trace, path))) continue;
      const bool fixed = patterns_.IsFixed(name);
      // What a database finds again under its name and makes good belongs to it: --view looks
      // through it.
      if (fixed && Viewed()) continue;
      bool exposed = false;
      const std::string of = SecretIn(run, root, path, inode, &exposed);
      Blame blame{exposed ? Oracle::kPrivate : Oracle::kClean,
                  exposed ? Outcome::kExposed : Outcome::kLitter,
                  fixed && !exposed ? Severity::kWarning : Severity::kError,
                  name,
                  fmt::format("{} is left behind", name),
                  false,
                  {}};
      if (!of.empty()) blame.what += fmt::format(" with the new content of {}", of);
      if (exposed) blame.what += ", a secret that everyone can READ there";
      blame.piles_up = !fixed && !exposed;
      if (!fixed) blame.what += kPilesUp;
      blame.what +=
          fmt::format("; the command {}", Succeeded(trace) ? "reports success" : HowItEnded(trace));
      out->blames.push_back(std::move(blame));
    }
  }
}

// How many names of that pattern the run left.
size_t FaultJudge::CountOf(const Trace& trace, const std::string& pattern) const {
  size_t count = 0;
  for (size_t root = 0; root < trace.roots.size() && root < trace.new_tree.roots().size(); ++root) {
    for (const auto& [path, inode] : trace.new_tree.Walk(root))
      count += patterns_.Of(ShowPlace(trace, {root, path})) == pattern;
  }
  return count;
}

Status FaultJudge::AskNextRun(Sandbox& sandbox, const RunSpec& run, const Trace& failed,
                              Blame* blame) {
  if (!blame->piles_up) return {};
  const std::string pattern = patterns_.Of(blame->path);
  auto known = taken_away_.find(pattern);
  if (known == taken_away_.end()) {
    RETURN_IF_ERROR(sandbox.Present(failed.new_tree));
    ASSIGN_OR_RETURN(const Trace next, RecordIn(sandbox, run));
    const bool more = CountOf(next, pattern) > CountOf(failed, pattern);
    known = taken_away_.emplace(pattern, !more).first;
  }
  if (!known->second) return {};
  blame->severity = Severity::kWarning;
  if (const size_t at = blame->what.find(kPilesUp); at != std::string::npos)
    blame->what.erase(at, sizeof(kPilesUp) - 1);
  return {};
}

}  // namespace oldornew
