#include "oracle/litter.h"

#include <algorithm>

#include "base/text.h"
#include "oracle/privacy.h"

namespace oldornew {

std::vector<Place> FindLitter(const Trace& trace, const LitterRule& rule) {
  std::vector<Place> out;
  const size_t all = std::min(trace.roots.size(), trace.new_tree.roots().size());
  for (size_t root = 0; root < (rule.temporary_roots ? all : std::min<size_t>(all, 1)); ++root) {
    if (trace.roots[root].role == RootRole::kThrowAway) continue;
    std::string top;  // with all that is in it this has been decided
    for (const auto& [path, inode] : trace.new_tree.Walk(root)) {
      if (path.empty() || (!top.empty() && IsOrBelow(path, top))) continue;

      const auto old = trace.old_tree.Lookup(path, root);
      if (old) {
        const bool was_directory = trace.old_tree.at(*old).kind == FileKind::kDirectory;
        if (!rule.inside_known && !was_directory) top = path;
        continue;
      }
      if ((!rule.caches && IsCache(path)) || rule.is_known(ShowPlace(trace, {root, path}))) {
        if (!rule.inside_known) top = path;
        continue;
      }
      top = path;
      out.push_back({root, path});
    }
  }
  return out;
}

namespace {

// The run tried to remove `path`, or something in it, around the call.
bool RemovalWasTried(const Trace& trace, const FileCall& hit, const std::string& path) {
  const auto root = FindPlace(trace, path);
  const auto inode = root ? trace.new_tree.Lookup(root->path, root->root) : std::nullopt;
  if (!inode || trace.new_tree.at(*inode).kind != FileKind::kDirectory) return false;

  // What was removed before the call was for another reason, unless it is the directory itself.
  return std::any_of(trace.ops.begin(), trace.ops.end(), [&](const Op& op) {
    return op.kind == OpKind::kUnlink && IsOrBelow(op.path, path) &&
           (op.begin > hit.begin || op.path == path || op.path == hit.path);
  });
}

bool RemovalWasHitBy(const Trace& trace, const FileCall& hit, const std::string& path) {
  const CallKind kind = KindOfCall(hit);
  // Made, and reported as not made: nobody removes that.
  if (kind == CallKind::kCreate && hit.path == path && WasDone(trace, hit)) return true;
  if (kind == CallKind::kLink && hit.path2 == path && WasDone(trace, hit)) return true;

  if (!IsOrBelow(hit.path, path)) return false;
  if (kind == CallKind::kUnlink || kind == CallKind::kRemoveDirectory) return true;
  // A directory is opened and listed to be removed with all that is in it.
  return (kind == CallKind::kOpen || kind == CallKind::kList) && RemovalWasTried(trace, hit, path);
}

}  // namespace

bool RemovalWasHit(const EndedRun& run, const std::string& path) {
  return std::any_of(run.affected.begin(), run.affected.end(),
                     [&](const FileCall* hit) { return RemovalWasHitBy(*run.trace, *hit, path); });
}

bool KeepsTheOld(const Trace& trace, const std::string& path,
                 const std::vector<WatchedEnd>& watched) {
  const ReaderView left = ViewOf(trace, trace.new_tree, path);
  for (const WatchedEnd& end : watched) {
    if (end.subject.places.size() != 1 || end.subject.places[0].root != 0) continue;
    for (std::string at = end.subject.places[0].path; !at.empty();
         at.resize(at.find('/') == std::string::npos ? 0 : at.rfind('/'))) {
      const ReaderView before = ViewOf(trace, trace.old_tree, at);
      if (before.kind == ReaderView::Kind::kThere && left == before &&
          !(ViewOf(trace, trace.new_tree, at) == before))
        return true;
    }
  }
  return false;
}

namespace {

// Somebody who is nobody in particular can read the file, and search every directory above it.
bool OpenToAll(const FileTree& tree, const Place& place) {
  constexpr int64_t kStranger = -2;
  InodeIndex at = tree.roots()[place.root];
  bool open = true;
  for (const std::string& name : Split(place.path, '/')) {
    open = open && Permits(tree.at(at), kStranger, -1, 1);
    at = tree.at(at).entries.at(name);
  }
  return open && Permits(tree.at(at), kStranger, -1, 4);
}

}  // namespace

std::optional<Leak> FindLeak(const Trace& trace, const Place& left, const PlainEnds& ends) {
  constexpr uint64_t kLeast = 12;  // less in common is chance
  const auto inode = trace.new_tree.Lookup(left.path, left.root);
  if (!inode || trace.new_tree.at(*inode).kind != FileKind::kFile) return std::nullopt;
  const Content& found = trace.new_tree.at(*inode).content;
  if (found.size() < kLeast) return std::nullopt;

  const Trace& plain = ends.plain();
  for (const WatchedEnd& end : ends.watched()) {
    if (end.subject.places.size() != 1) continue;
    const Place& place = end.subject.places[0];
    const auto wanted = plain.new_tree.Lookup(place.path, place.root);
    if (!wanted || plain.new_tree.at(*wanted).kind != FileKind::kFile) continue;
    const Content& content = plain.new_tree.at(*wanted).content;
    if (found.size() > content.size() || !(content.WithSize(found.size()) == found)) continue;

    const bool old_open =
        plain.old_tree.Lookup(place.path, place.root) && OpenToAll(plain.old_tree, place);
    return Leak{end.subject.name,
                OpenToAll(trace.new_tree, left) && !old_open && !OpenToAll(plain.new_tree, place)};
  }
  return std::nullopt;
}

}  // namespace oldornew
