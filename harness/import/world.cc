#include "import/world.h"

#include <sys/stat.h>

#include "base/text.h"

namespace oldornew {

namespace {

constexpr int kMostLinks = 40;  // as the kernel's MAXSYMLINKS

Inode DirectoryInode() {
  Inode inode;
  inode.kind = FileKind::kDirectory;
  inode.mode = 0755;
  return inode;
}

}  // namespace

uint32_t TypeBits(FileKind kind) {
  switch (kind) {
    case FileKind::kFile:
      return S_IFREG;
    case FileKind::kDirectory:
      return S_IFDIR;
    case FileKind::kSymlink:
      return S_IFLNK;
    case FileKind::kFifo:
      return S_IFIFO;
    case FileKind::kSocket:
      return S_IFSOCK;
    case FileKind::kCharDevice:
      return S_IFCHR;
    case FileKind::kBlockDevice:
      return S_IFBLK;
  }

  return S_IFREG;
}

World::World(const FileTree& old_tree, const std::string& root_path, bool listed)
    : tree_(old_tree) {
  facts_.resize(tree_.size());
  for (size_t i = 0; i < tree_.size(); ++i) {
    const auto inode = static_cast<InodeIndex>(i);
    Facts& f = facts(inode);
    f.judged = true;
    f.listed = listed;
    f.size = tree_.at(inode).content.size();
    for (const auto& [name, child] : tree_.at(inode).entries) {
      if (tree_.at(child).kind == FileKind::kDirectory) facts(child).parent = inode;
    }
  }

  slash_ = Add(DirectoryInode(), kNoInode, false, false);
  facts(slash_).parent = slash_;
  InodeIndex dir = slash_;
  const std::vector<std::string> parts = Split(root_path, '/');
  std::vector<std::string> names;
  for (const std::string& part : parts) {
    if (!part.empty() && part != ".") names.push_back(part);
  }

  for (size_t i = 0; i + 1 < names.size(); ++i) {
    const InodeIndex child = Add(DirectoryInode(), dir, false, false);
    tree_.at(dir).entries[names[i]] = child;
    dir = child;
  }

  const InodeIndex root = tree_.roots()[0];
  if (names.empty()) {
    slash_ = root;  // the whole machine is judged
    facts(root).parent = root;
  } else {
    tree_.at(dir).entries[names.back()] = root;
    facts(root).parent = dir;
  }
}

InodeIndex World::Add(Inode inode, InodeIndex parent, bool judged, bool listed) {
  const bool directory = inode.kind == FileKind::kDirectory;
  const InodeIndex index = tree_.Add(std::move(inode));
  facts_.resize(tree_.size());
  Facts& f = facts(index);
  if (directory) f.parent = parent;
  f.judged = judged;
  f.listed = listed;
  return index;
}

bool World::Discover(FoundPath* found, FileKind kind) {
  if (!found->place() || found->there() || facts(found->dir).listed) return false;
  if (absent_.count({found->dir, found->name}) != 0) return false;
  Inode inode;
  inode.kind = kind;
  inode.mode = kind == FileKind::kDirectory ? 0755 : kind == FileKind::kSymlink ? 0777 : 0644;
  inode.uid = tree_.at(found->dir).uid;
  inode.gid = tree_.at(found->dir).gid;
  const bool judged = Judged(found->dir);
  const InodeIndex index = Add(std::move(inode), found->dir, judged, false);
  facts(index).bytes_known = false;
  facts(index).size_known = false;
  tree_.at(found->dir).entries[found->name] = index;
  if (judged) discoveries_.push_back({found->dir, found->name, index});
  found->inode = index;

  return true;
}

InodeIndex World::Create(InodeIndex dir, const std::string& name, Inode inode) {
  const InodeIndex index = Add(std::move(inode), dir, Judged(dir), true);
  facts(index).touched = true;
  if (!name.empty()) tree_.at(dir).entries[name] = index;
  return index;
}

void World::Link(InodeIndex dir, const std::string& name, InodeIndex inode) {
  tree_.at(dir).entries[name] = inode;
  if (tree_.at(inode).kind == FileKind::kDirectory) facts(inode).parent = dir;
}

void World::Unlink(InodeIndex dir, const std::string& name) {
  tree_.at(dir).entries.erase(name);
  absent_.insert({dir, name});
}

void World::TurnIntoSymlink(InodeIndex dir, const std::string& target) {
  const InodeIndex parent = facts(dir).parent;
  if (parent == kNoInode || parent == dir || facts(dir).judged) return;
  for (auto& [name, child] : tree_.at(parent).entries) {
    if (child != dir) continue;
    Inode link;
    link.kind = FileKind::kSymlink;
    link.target = target;
    const InodeIndex index = Add(std::move(link), kNoInode, false, true);
    tree_.at(parent).entries[name] = index;
    return;
  }
}

FoundPath World::Step(FoundPath at, std::string_view name, bool make, bool last) {
  const InodeIndex dir = at.inode;
  FoundPath next;

  // Discovered by a call that did not show what it is: files whose content nothing tells may be
  // directories.
  if (make && dir != kNoInode && at.place() && tree_.at(dir).kind == FileKind::kFile &&
      !facts(dir).bytes_known) {
    tree_.at(dir).kind = FileKind::kDirectory;
    tree_.at(dir).content = Content();
    facts(dir).parent = at.dir;
    facts(dir).listed = false;
    turned_.push_back(dir);
  }

  if (dir == kNoInode || tree_.at(dir).kind != FileKind::kDirectory) return next;
  if (name == ".") {
    next.inode = dir;
    return next;
  }

  if (name == "..") {
    next.inode = facts(dir).parent;
    return next;
  }

  next.dir = dir;
  next.name = std::string(name);
  const auto entry = tree_.at(dir).entries.find(next.name);
  if (entry != tree_.at(dir).entries.end()) next.inode = entry->second;
  if (make && !last && !next.there()) Discover(&next, FileKind::kDirectory);
  return next;
}

FoundPath World::WalkFrom(InodeIndex start, std::string_view path, bool follow, bool make,
                          int* links) {
  FoundPath at;
  at.inode = path.starts_with("/") ? slash_ : start;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    while (path.starts_with("/")) path.remove_prefix(1);
    if (name.empty()) continue;
    // A symlink with a trailing slash is followed by the kernel. Calls that do not follow are
    // treated as if the slash were not there, which does no harm.
    const bool last = path.empty();
    const InodeIndex dir = at.inode;
    at = Step(at, name, make, last);
    if (at.there() && tree_.at(at.inode).kind == FileKind::kSymlink && (!last || follow)) {
      if (++*links > kMostLinks) return {};
      at = WalkFrom(dir, tree_.at(at.inode).target, true, make, links);
    }
    if (!last && !at.there()) return {};
  }

  return at;
}

FoundPath World::Walk(InodeIndex start, std::string_view path, bool follow, bool make) {
  int links = 0;
  if (path.empty() || (start == kNoInode && !path.starts_with("/"))) return {};
  return WalkFrom(start, path, follow, make, &links);
}

InodeIndex World::Directory(const std::string& path) {
  FoundPath found = Walk(slash_, path, true, true);
  if (!found.there()) Discover(&found, FileKind::kDirectory);
  return found.inode;
}

wire::FileId World::Id(InodeIndex i) const {
  if (i == kNoInode) return {};
  return {Judged(i) ? 1u : 2u, static_cast<uint64_t>(i) + 1};
}

wire::FileState World::State(InodeIndex i) const {
  wire::FileState state{};
  if (i == kNoInode) return state;
  const Inode& inode = tree_.at(i);
  const wire::FileId id = Id(i);
  state.dev = id.dev;
  state.ino = id.ino;
  state.rdev = inode.rdev;
  state.size = facts(i).size;
  state.mode = TypeBits(inode.kind) | inode.mode;
  state.uid = inode.uid;
  state.gid = inode.gid;
  state.nlink = 1;
  return state;
}

std::string World::PathOf(InodeIndex directory) const {
  std::string path;
  for (int depth = 0; depth < 4096 && directory != kNoInode; ++depth) {
    const InodeIndex parent = facts(directory).parent;
    if (parent == directory) return path.empty() ? "/" : path;
    if (parent == kNoInode) break;
    std::string here = "?";
    for (const auto& [name, child] : tree_.at(parent).entries) {
      if (child == directory) here = name;
    }
    path = "/" + here + path;
    directory = parent;
  }

  return path;
}

}  // namespace oldornew
