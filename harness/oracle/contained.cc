#include "oracle/contained.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/text.h"
#include "oracle/end_state.h"
#include "oracle/path_patterns.h"

namespace oldornew {
namespace {

std::string WhatChanged(const Inode* before, const Inode* after) {
  if (before == nullptr) return fmt::format("made ({})", KindName(after->kind));
  if (after == nullptr) return fmt::format("removed ({})", KindName(before->kind));
  if (before->kind != after->kind)
    return fmt::format("it is a {}, before a {}", KindName(after->kind), KindName(before->kind));
  if (!(before->content == after->content)) return "its bytes";
  if (before->target != after->target)
    return fmt::format("it leads to {}, before to {}", after->target, before->target);
  const std::string was = ShowAttributes(*before);
  const std::string is = ShowAttributes(*after);
  return was == is ? "" : fmt::format("it has {}, before {}", is, was);
}

}  // namespace

std::vector<Stray> FindStrays(const Trace& trace, const std::vector<Subject>& watched,
                              const std::vector<std::string>& allowed) {
  std::vector<Stray> out;
  const auto is_watched = [&](const Place& place, bool made_directory) {
    for (const Subject& subject : watched) {
      for (const Place& root : subject.places) {
        if (place == root || Inside(place, root) || (made_directory && Inside(root, place)))
          return true;
      }
    }
    return false;
  };
  for (size_t root = 0; root < trace.roots.size(); ++root) {
    if (trace.roots[root].role == RootRole::kThrowAway) continue;
    if (root >= trace.old_tree.roots().size() || root >= trace.new_tree.roots().size()) continue;
    std::map<std::string, std::pair<const Inode*, const Inode*>> both;
    for (const auto& [path, inode] : trace.old_tree.Walk(root))
      both[path].first = &trace.old_tree.at(inode);
    for (const auto& [path, inode] : trace.new_tree.Walk(root))
      both[path].second = &trace.new_tree.at(inode);
    for (const auto& [path, pair] : both) {
      const auto [before, after] = pair;
      const std::string what = WhatChanged(before, after);
      if (what.empty()) continue;
      const Place place{root, path};
      Stray stray{ShowPlace(trace, place), what};
      const bool made_directory = before == nullptr && after->kind == FileKind::kDirectory;
      const auto matches = [&](const std::string& glob) { return GlobMatches(glob, stray.path); };
      if (is_watched(place, made_directory) || std::any_of(allowed.begin(), allowed.end(), matches))
        continue;
      out.push_back(std::move(stray));
    }
  }
  return out;
}

std::vector<std::string> FindChangedOthers(
    const Trace& trace, const std::function<bool(const std::string& path, bool gone)>& meant) {
  std::vector<std::string> out;
  for (const std::string& path : ChangedPaths(trace)) {
    const bool gone = !trace.new_tree.Lookup(path);
    if (trace.old_tree.Lookup(path) && !meant(path, gone)) out.push_back(path);
  }
  return out;
}

std::vector<std::string> FindRemovedForeign(
    const EndedRun& run, const std::function<bool(const std::string& path)>& asked) {
  std::vector<std::string> out;
  for (const FileCall* hit : run.affected) {
    const bool refused = hit->told == -EEXIST && KindOfCall(*hit) == CallKind::kCreate;
    if (!refused || asked(hit->path)) continue;

    // Whoever makes the name anew has meant to replace it.
    const auto later = [&](OpKind kind, bool tried_is_enough) {
      return std::any_of(run.trace->ops.begin(), run.trace->ops.end(), [&](const Op& op) {
        return op.kind == kind && op.path == hit->path && op.begin > hit->begin &&
               (tried_is_enough || op.error == 0);
      });
    };
    if (later(OpKind::kUnlink, true) && !later(OpKind::kCreate, false)) out.push_back(hit->path);
  }
  return out;
}

std::vector<std::string> FindLitterAfterCrash(const Trace& trace) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  const auto gone = [&](const std::string& path) {
    const auto place = FindPlace(trace, path);
    return place && trace.roots[place->root].role == RootRole::kJudged &&
           !trace.old_tree.Lookup(place->path, place->root) &&
           !trace.new_tree.Lookup(place->path, place->root);
  };
  for (const Op& op : trace.ops) {
    if (op.error != 0 || (op.flags & kFlagInFlight)) continue;
    std::string made;
    if (op.kind == OpKind::kCreate && op.dir != kNoObject) made = op.path;
    if (op.kind == OpKind::kRename) made = op.path2;
    if (op.kind == OpKind::kLink) made = op.path;
    if (!made.empty() && gone(made) && seen.insert(made).second) out.push_back(made);
  }
  return out;
}

std::string NameLitterAfterCrash(const Trace& trace) {
  constexpr size_t kMost = 4;
  std::vector<std::string> patterns;
  std::vector<std::string> shown;
  for (const std::string& path : FindLitterAfterCrash(trace)) {
    const std::string pattern = SubjectPattern(trace, path);
    if (std::find(patterns.begin(), patterns.end(), pattern) != patterns.end()) continue;
    patterns.push_back(pattern);
    if (shown.size() < kMost) shown.push_back(path);
  }
  std::string named = Join(shown, ", ");
  if (patterns.size() > shown.size()) named += fmt::format(" and {} more", patterns.size() - kMost);
  return named;
}

}  // namespace oldornew
