// The fault judge: what a run leaves behind that is neither the old state's nor a clean run's.
#include <algorithm>
#include <cerrno>

#include "oracle/end_judge.h"
#include "oracle/end_judge_parts.h"
#include "oracle/privacy.h"

namespace oldornew {

bool EndJudge::RemovalWasHit(const EndedRun& run, const std::string& path) const {
  return std::any_of(run.affected.begin(), run.affected.end(), [&](const FileCall* hit) {
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
bool EndJudge::RemovalWasTried(const Trace& trace, const FileCall& hit, const std::string& path) {
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
bool EndJudge::KeepsTheOld(const Trace& trace, const std::string& path) const {
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
std::string EndJudge::SecretIn(const EndedRun& run, size_t root, const std::string& path,
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

bool EndJudge::CouldCleanUp(const EndedRun& run) const { return !run.disk_is_dead; }

void EndJudge::JudgeLitter(const EndedRun& run, EndJudgement* out) const {
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
      EndViolation violation{exposed ? Oracle::kPrivate : Oracle::kClean,
                             exposed ? Outcome::kExposed : Outcome::kLitter,
                             fixed && !exposed ? Severity::kWarning : Severity::kError,
                             name,
                             fmt::format("{} is left behind", name),
                             false,
                             {}};
      if (!of.empty()) violation.message += fmt::format(" with the new content of {}", of);
      if (exposed) violation.message += ", a secret that everyone can READ there";
      violation.piles_up = !fixed && !exposed;
      if (!fixed) violation.message += kLeavesOneMore;
      violation.message +=
          fmt::format("; the command {}", Succeeded(trace) ? "reports success" : HowItEnded(trace));
      out->violations.push_back(std::move(violation));
    }
  }
}

}  // namespace oldornew
