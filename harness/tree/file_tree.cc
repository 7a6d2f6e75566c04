#include "tree/file_tree.h"

#include <sys/stat.h>

#include "base/check.h"
#include "base/text.h"

namespace oldornew {

const char* KindName(FileKind kind) {
  switch (kind) {
    case FileKind::kFile:
      return "file";
    case FileKind::kDirectory:
      return "directory";
    case FileKind::kSymlink:
      return "symlink";
    case FileKind::kFifo:
      return "fifo";
    case FileKind::kSocket:
      return "socket";
    case FileKind::kCharDevice:
      return "character device";
    case FileKind::kBlockDevice:
      return "block device";
  }

  return "?";
}

FileKind KindOf(uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return FileKind::kDirectory;
    case S_IFLNK:
      return FileKind::kSymlink;
    case S_IFIFO:
      return FileKind::kFifo;
    case S_IFSOCK:
      return FileKind::kSocket;
    case S_IFCHR:
      return FileKind::kCharDevice;
    case S_IFBLK:
      return FileKind::kBlockDevice;
    default:
      return FileKind::kFile;
  }
}

FileTree::FileTree() {
  Inode root;
  root.kind = FileKind::kDirectory;
  root.mode = 0755;
  roots_.push_back(Add(std::move(root)));
}

InodeIndex FileTree::Add(Inode inode) {
  inodes_.push_back(std::move(inode));
  return static_cast<InodeIndex>(inodes_.size() - 1);
}

std::optional<InodeIndex> FileTree::Lookup(std::string_view path, size_t root) const {
  CHECK(root < roots_.size());
  InodeIndex at_inode = roots_[root];
  for (const std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    const Inode& inode = at(at_inode);
    const auto entry = inode.entries.find(part);
    if (inode.kind != FileKind::kDirectory || entry == inode.entries.end()) return std::nullopt;
    at_inode = entry->second;
  }

  return at_inode;
}

std::vector<std::pair<std::string, InodeIndex>> FileTree::Walk(size_t root) const {
  CHECK(root < roots_.size());
  std::vector<std::pair<std::string, InodeIndex>> out;

  // Depth first with an explicit stack: trees may be deep.
  std::vector<std::pair<std::string, InodeIndex>> todo = {{"", roots_[root]}};
  while (!todo.empty()) {
    auto [path, index] = std::move(todo.back());
    todo.pop_back();
    const auto& entries = at(index).entries;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      todo.emplace_back(JoinPath(path, entry->first), entry->second);
    }
    out.emplace_back(std::move(path), index);
  }

  return out;
}

Digest FileTree::KeyDigest(InodeIndex i, bool attributes) const {
  const Inode& inode = at(i);
  Hasher hasher;
  hasher.Add(static_cast<uint64_t>(inode.kind));
  switch (inode.kind) {
    case FileKind::kFile:
      hasher.Add(inode.content.digest());
      break;
    case FileKind::kSymlink:
      hasher.Add(inode.target);
      break;
    case FileKind::kCharDevice:
    case FileKind::kBlockDevice:
      hasher.Add(inode.rdev);
      break;
    case FileKind::kDirectory:
      for (const auto& [name, child] : inode.entries)
        hasher.Add(name).Add(KeyDigest(child, attributes));
      break;
    case FileKind::kFifo:
    case FileKind::kSocket:
      break;
  }

  if (attributes) {
    hasher.Add(inode.mode).Add(inode.uid).Add(inode.gid);
    for (const auto& [key, value] : inode.xattrs) hasher.Add(key).Add(value);
  }

  return hasher.Finish();
}

namespace {

bool SameAttributes(const Inode& a, const Inode& b) {
  return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.xattrs == b.xattrs;
}

void DiffInode(const std::string& path, const Inode& a, const Inode& b,
               std::vector<PathChange>* out) {
  using What = PathChange::What;
  if (a.kind != b.kind || a.rdev != b.rdev) {
    out->push_back({path, What::kKind});
  } else if (a.kind == FileKind::kFile && !(a.content == b.content)) {
    out->push_back({path, What::kBytes});
  } else if (a.kind == FileKind::kSymlink && a.target != b.target) {
    out->push_back({path, What::kTarget});
  } else if (!SameAttributes(a, b)) {
    out->push_back({path, What::kAttributes});
  }
}

}  // namespace

std::vector<PathChange> Diff(const FileTree& before, const FileTree& after) {
  std::vector<PathChange> out;
  const auto old_paths = before.Walk();
  const auto new_paths = after.Walk();
  std::map<std::string, std::pair<InodeIndex, InodeIndex>> both;
  for (const auto& [path, inode] : old_paths) both[path] = {inode, kNoInode};
  for (const auto& [path, inode] : new_paths) {
    auto [entry, fresh] = both.try_emplace(path, kNoInode, inode);
    if (!fresh) entry->second.second = inode;
  }

  for (const auto& [path, pair] : both) {
    if (pair.first == kNoInode) {
      out.push_back({path, PathChange::What::kAdded});
    } else if (pair.second == kNoInode) {
      out.push_back({path, PathChange::What::kRemoved});
    } else {
      DiffInode(path, before.at(pair.first), after.at(pair.second), &out);
    }
  }

  return out;
}

}  // namespace oldornew
