#include "oracle/watch.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace oldornew {

namespace {

constexpr int kMaxLinks = 40;  // As the kernel's MAXSYMLINKS: path_resolution(7).

// Components with "." dropped and ".." applied lexically.
std::vector<std::string> Normalise(const std::string& path) {
  std::vector<std::string> out;
  for (std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == ".." && !out.empty() && out.back() != "..") {
      out.pop_back();
    } else {
      out.push_back(std::move(part));
    }
  }
  return out;
}

bool Judged(const Trace& trace, size_t root) { return trace.roots[root].role == RootRole::kJudged; }

std::string DirName(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// The judged root that holds the absolute path; the longest wins.
std::optional<Place> PlaceOfAbsolute(const Trace& trace, const std::string& path) {
  const std::string normal = "/" + Join(Normalise(path), "/");
  std::optional<Place> best;
  size_t best_length = 0;
  for (size_t i = 0; i < trace.roots.size(); ++i) {
    const std::string& root = trace.roots[i].path;
    const bool inside = normal == root || (normal.starts_with(root) && normal[root.size()] == '/');
    if (!Judged(trace, i) || !inside || root.size() < best_length) continue;
    best = Place{i, normal == root ? "" : normal.substr(root.size() + 1)};
    best_length = root.size();
  }
  return best;
}

std::optional<Place> PlaceOfTarget(const Trace& trace, const Place& link,
                                   const std::string& target) {
  if (target.starts_with("/")) return PlaceOfAbsolute(trace, target);
  return PlaceOfAbsolute(
      trace, JoinPath(JoinPath(trace.roots[link.root].path, DirName(link.path)), target));
}

}  // namespace

bool Inside(const Place& inner, const Place& outer) {
  if (inner.root != outer.root || inner.path.size() <= outer.path.size()) return false;
  return outer.path.empty() ||
         (inner.path.starts_with(outer.path) && inner.path[outer.path.size()] == '/');
}

std::string ShowPlace(const Trace& trace, const Place& place) {
  if (place.root != 0) return JoinPath(trace.roots[place.root].path, place.path);
  return place.path.empty() ? "." : place.path;
}

Result<Place> FindPlace(const Trace& trace, const std::string& path) {
  if (path.starts_with("/")) {
    if (auto place = PlaceOfAbsolute(trace, path)) return *place;
  } else {
    const std::vector<std::string> parts = Normalise(path);
    if (parts.empty() || parts[0] != "..") return Place{0, Join(parts, "/")};
  }
  return FailWith(ExitCode::kUsage,
                  "{} lies outside the judged directory {} (use --dir or --also-dir)", path,
                  trace.roots[0].path);
}

Sight Look(const Trace& trace, const FileTree& tree, const Place& place) {
  Sight sight;
  const auto inode = tree.Lookup(place.path, place.root);
  if (!inode) return sight;
  sight.inode = *inode;
  InodeIndex at = *inode;
  Place here = place;
  for (int links = 0; tree.at(at).kind == FileKind::kSymlink; ++links) {
    const auto next =
        links < kMaxLinks ? PlaceOfTarget(trace, here, tree.at(at).target) : std::nullopt;
    const auto next_inode = next ? tree.Lookup(next->path, next->root) : std::nullopt;
    if (!next_inode) return sight;
    here = *next;
    at = *next_inode;
  }
  if (at != *inode) sight.leads_to = at;
  return sight;
}

std::string LeadsToTemporary(const Trace& trace, const Place& place) {
  const auto inode = trace.new_tree.Lookup(place.path, place.root);
  if (!inode || trace.new_tree.at(*inode).kind != FileKind::kSymlink) return {};
  const std::string& target = trace.new_tree.at(*inode).target;
  if (!target.starts_with("/") || PlaceOfAbsolute(trace, target)) return {};
  const std::string normal = "/" + Join(Normalise(target), "/");
  for (const Root& root : trace.roots) {
    if (root.role != RootRole::kJudged && normal.starts_with(root.path + "/")) return target;
  }
  return {};
}

namespace {

bool IsJudgedXattr(const std::string& name) {
  return name.starts_with("user.") || name.starts_with("system.posix_acl_");
}

// Mode, owner, user attributes and ACL of everything at and below `i`; of a symlink nothing that
// anybody can set.
void AddAttributes(const FileTree& tree, InodeIndex i, bool recursive, Hasher* hasher) {
  const Inode& inode = tree.at(i);
  if (inode.kind != FileKind::kSymlink) hasher->Add(inode.mode).Add(inode.uid).Add(inode.gid);
  for (const auto& [name, value] : inode.xattrs) {
    if (IsJudgedXattr(name)) hasher->Add(name).Add(value);
  }
  if (!recursive) return;
  for (const auto& [name, child] : inode.entries) {
    hasher->Add(name);
    AddAttributes(tree, child, recursive, hasher);
  }
}

}  // namespace

std::string ShowAttributes(const Inode& inode) {
  std::string out = fmt::format("mode {:04o}", inode.mode);
  if (inode.kind == FileKind::kSymlink) out = "no mode of its own";
  if (inode.uid != 0 || inode.gid != 0) out += fmt::format(", owner {}:{}", inode.uid, inode.gid);
  for (const auto& [name, value] : inode.xattrs) {
    if (!IsJudgedXattr(name)) continue;
    const bool acl = name.starts_with("system.");
    out += acl ? fmt::format(", ACL {}", HashBytes(value).Short())
               : fmt::format(", {}={}", name, Quote(value, 24));
  }
  return out;
}

Digest KeyOf(const Trace& trace, const FileTree& tree, const Subject& subject, Value value) {
  const bool attributes = value == Value::kCombination;
  Hasher hasher;
  for (const Place& place : subject.places) {
    const Sight sight = Look(trace, tree, place);
    if (sight.inode == kNoInode) {
      hasher.Add("nothing");
      continue;
    }
    const Inode& inode = tree.at(sight.inode);
    if (inode.kind == FileKind::kDirectory && !subject.whole_directory) {
      hasher.Add("directory");
      if (attributes) AddAttributes(tree, sight.inode, /*recursive=*/false, &hasher);
      continue;
    }
    hasher.Add(tree.KeyDigest(sight.inode));
    if (attributes) AddAttributes(tree, sight.inode, /*recursive=*/true, &hasher);
    if (inode.kind == FileKind::kSymlink) {
      if (sight.leads_to == kNoInode) {
        hasher.Add("leads nowhere inside");
      } else {
        hasher.Add("leads to").Add(tree.KeyDigest(sight.leads_to));
        if (attributes) AddAttributes(tree, sight.leads_to, /*recursive=*/true, &hasher);
      }
    }
  }
  return hasher.Finish();
}

namespace {

// Adds what the symlink at `place` leads to in `tree`, link by link.
void FollowInto(const Trace& trace, const FileTree& tree, const Place& place,
                std::set<std::string>* paths) {
  Place here = place;
  for (int links = 0; links < kMaxLinks; ++links) {
    const auto inode = tree.Lookup(here.path, here.root);
    if (!inode || tree.at(*inode).kind != FileKind::kSymlink) return;
    const auto next = PlaceOfTarget(trace, here, tree.at(*inode).target);
    if (!next) return;
    paths->insert(next->path);
    here = *next;
  }
}

}  // namespace

// The model takes a path below every judged root; the same path in another root costs states and
// changes no answer.
Projection ProjectionOf(const Trace& trace, const Subject& subject) {
  std::set<std::string> paths;
  for (const Place& place : subject.places) paths.insert(place.path);
  LiveTree live(trace);
  for (const Place& place : subject.places) FollowInto(trace, live.tree(), place, &paths);
  for (const Op& op : trace.ops) {
    live.Apply(op);
    if (op.error != 0 || !ChangesNames(op.kind)) continue;
    for (const Place& place : subject.places) FollowInto(trace, live.tree(), place, &paths);
  }
  return Projection{{paths.begin(), paths.end()}};
}

namespace {

std::map<std::string, InodeIndex> PathsOf(const FileTree& tree, size_t root) {
  std::map<std::string, InodeIndex> out;
  for (auto& [path, inode] : tree.Walk(root)) out.emplace(path, inode);
  return out;
}

// Objects that some op wrote, truncated or allocated, successfully.
std::set<ObjectId> WrittenObjects(const Trace& trace) {
  std::set<ObjectId> out;
  for (const Op& op : trace.ops) {
    if (op.error == 0 && ChangesData(op.kind)) out.insert(op.object);
  }
  return out;
}

bool SameKey(const FileTree& a, InodeIndex x, const FileTree& b, InodeIndex y) {
  if (a.at(x).kind == FileKind::kDirectory && b.at(y).kind == FileKind::kDirectory) return true;
  return a.KeyDigest(x) == b.KeyDigest(y);
}

// The default rule, before symlinks and directories are thinned out. `live` is the tree at the end,
// by objects.
std::vector<Place> ChangedPlaces(const Trace& trace, const FileTree& live, size_t root) {
  const auto before = PathsOf(trace.old_tree, root);
  const auto after = PathsOf(trace.new_tree, root);
  const auto objects = PathsOf(live, root);
  const std::set<ObjectId> written = WrittenObjects(trace);
  std::set<std::string> changed;
  for (const auto& [path, inode] : after) {
    if (!before.contains(path)) changed.insert(path);
  }
  for (const auto& [path, inode] : before) {
    const auto now = after.find(path);
    if (now == after.end() || !SameKey(trace.old_tree, inode, trace.new_tree, now->second))
      changed.insert(path);
    const auto object = objects.find(path);
    if (object == objects.end() || live.at(object->second).kind == FileKind::kDirectory) continue;
    // Written though unchanged: the object was written, or the name leads to another one than
    // before.
    if (written.contains(object->second) || object->second != inode) changed.insert(path);
  }
  std::vector<Place> out;
  for (const std::string& path : changed) out.push_back({root, path});
  return out;
}

// A link publishes what it leads to when it was flipped there, or when it is the first to point at
// a new directory. A link that was made beside the file it names, or inside the copied directory,
// publishes nothing: readers use the file's own name.
bool Publishes(const Trace& trace, const Place& link, const FileTree& tree, InodeIndex target) {
  const auto before = trace.old_tree.Lookup(link.path, link.root);
  if (before && trace.old_tree.at(*before).kind == FileKind::kSymlink) return true;
  const std::string parent = DirName(link.path);
  return tree.at(target).kind == FileKind::kDirectory &&
         (parent.empty() || trace.old_tree.Lookup(parent, link.root).has_value());
}

// Where changed symlinks led before and lead now, as far as it was removed or made by the run. What
// stays has its own name as well, and readers of that name.
std::vector<Place> LedTo(const Trace& trace, const std::vector<Place>& places) {
  std::vector<Place> out;
  for (const Place& place : places) {
    for (const FileTree* tree : {&trace.old_tree, &trace.new_tree}) {
      const auto inode = tree->Lookup(place.path, place.root);
      if (!inode || tree->at(*inode).kind != FileKind::kSymlink) continue;
      const auto next = PlaceOfTarget(trace, place, tree->at(*inode).target);
      if (!next || *next == place || Inside(place, *next)) continue;
      const auto was = trace.old_tree.Lookup(next->path, next->root);
      const auto is = trace.new_tree.Lookup(next->path, next->root);
      if (was.has_value() == is.has_value()) continue;
      if (Publishes(trace, place, was ? trace.old_tree : trace.new_tree, was ? *was : *is))
        out.push_back(*next);
    }
  }
  return out;
}

bool OnlyEverDirectory(const Trace& trace, const Place& place) {
  for (const FileTree* tree : {&trace.old_tree, &trace.new_tree}) {
    const auto inode = tree->Lookup(place.path, place.root);
    if (inode && tree->at(*inode).kind != FileKind::kDirectory) return false;
  }
  return true;
}

std::vector<Subject> DefaultSubjects(const Trace& trace) {
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  std::vector<Place> places;
  for (size_t root = 0; root < trace.roots.size(); ++root) {
    if (!Judged(trace, root)) continue;
    const auto more = ChangedPlaces(trace, live.tree(), root);
    places.insert(places.end(), more.begin(), more.end());
  }
  const std::vector<Place> through_links = LedTo(trace, places);
  std::vector<Subject> out;
  for (const Place& place : places) {
    const auto covers = [&](const Place& other) { return place == other || Inside(place, other); };
    if (std::any_of(through_links.begin(), through_links.end(), covers)) continue;
    // A directory matters by what is in it; for itself only when nothing of it is watched.
    const auto below = [&](const Place& other) { return Inside(other, place); };
    if (OnlyEverDirectory(trace, place) &&
        (place.path.empty() || std::any_of(places.begin(), places.end(), below))) {
      continue;
    }
    out.push_back({ShowPlace(trace, place), {place}, false});
  }
  return out;
}

}  // namespace

Result<std::vector<Subject>> ChooseSubjects(const Trace& trace, const WatchOptions& options) {
  std::vector<Subject> out;
  const auto add = [&](const std::vector<std::string>& paths) -> Status {
    Subject subject;
    subject.whole_directory = true;
    std::vector<std::string> names;
    for (const std::string& path : paths) {
      ASSIGN_OR_RETURN(Place place, FindPlace(trace, path));
      const bool somewhere = trace.old_tree.Lookup(place.path, place.root).has_value() ||
                             trace.new_tree.Lookup(place.path, place.root).has_value();
      if (!somewhere)
        return FailWith(ExitCode::kUsage, "--watch {}: exists neither before nor after the run",
                        path);
      names.push_back(ShowPlace(trace, place));
      subject.places.push_back(std::move(place));
    }
    subject.name = Join(names, " + ");
    out.push_back(std::move(subject));
    return {};
  };
  for (const std::string& path : options.watch) RETURN_IF_ERROR(add({path}));
  for (const auto& paths : options.together) RETURN_IF_ERROR(add(paths));
  if (options.watch.empty() && options.together.empty()) return DefaultSubjects(trace);
  return out;
}

}  // namespace oldornew
