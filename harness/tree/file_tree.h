// FileTree: an in-memory directory tree with hard links, modes, owners and extended attributes. A
// value: compare it, hash it, write it to disk, capture it from disk. The rest of the program moves
// these around instead of directories.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "tree/content.h"

namespace oldornew {

enum class FileKind : uint8_t {
  kFile,
  kDirectory,
  kSymlink,
  kFifo,
  kSocket,
  kCharDevice,
  kBlockDevice
};

/// "file", "directory", "symlink", ...
const char* KindName(FileKind kind);

/// The kind of a file from st_mode.
FileKind KindOf(uint32_t mode);

/// Index of an inode within one FileTree. kNoInode: none.
using InodeIndex = int32_t;
inline constexpr InodeIndex kNoInode = -1;

struct Inode {
  FileKind kind = FileKind::kFile;
  uint32_t mode = 0644;  ///< permission bits and suid/sgid/sticky (07777); no file type
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t rdev = 0;   ///< devices only
  Content content;     ///< regular files only
  std::string target;  ///< symlinks only
  /// "user.*", "system.posix_acl_*", "trusted.*": what could be read
  std::map<std::string, std::string> xattrs;
  std::map<std::string, InodeIndex> entries;  ///< directories only; no "." and ".."
};

/// A directory that holds a file of this name is our own output (bundles with traces of earlier
/// checks) and is neither copied nor imported: each trace would otherwise contain the ones before
/// it.
inline constexpr char kOutputMarker[] = ".oldornew-output";

/// What differs at one path.
struct PathChange {
  enum class What : uint8_t { kAdded, kRemoved, kKind, kBytes, kTarget, kAttributes };
  std::string path;
  What what;
};

/// A table of inodes with one or more roots. Inodes that no root reaches may exist (files open but
/// unlinked).
class FileTree {
 public:
  FileTree();  // one empty root directory, inode 0, mode 0755

  InodeIndex Add(Inode inode);
  const Inode& at(InodeIndex i) const { return inodes_[static_cast<size_t>(i)]; }
  Inode& at(InodeIndex i) { return inodes_[static_cast<size_t>(i)]; }
  size_t size() const { return inodes_.size(); }

  /// Root 0 is the judged directory. Others: private temporary directories, --also-dir.
  const std::vector<InodeIndex>& roots() const { return roots_; }
  void AddRoot(InodeIndex directory) { roots_.push_back(directory); }

  /// Walks `path` ("a/b"; "" and "." are the root itself) below root number `root`, following no
  /// symlink.
  std::optional<InodeIndex> Lookup(std::string_view path, size_t root = 0) const;

  /// Every path below root `root`, parents before children, names in byte order; the root itself is
  /// "".
  std::vector<std::pair<std::string, InodeIndex>> Walk(size_t root = 0) const;

  /// Kind, bytes and symlink target of everything at and below `i` (the key of oracle `atomic`,
  /// oracles.md 6); with `attributes`, modes, owners and xattrs as well. Hard-link identity, inode
  /// numbers, times never count.
  Digest KeyDigest(InodeIndex i, bool attributes = false) const;

  /// Same as KeyDigest of the root, for trees that hold one judged directory.
  Digest RootDigest(bool attributes = false) const { return KeyDigest(roots_[0], attributes); }

 private:
  std::vector<Inode> inodes_;
  std::vector<InodeIndex> roots_;
};

/// Paths (below root 0 of each) at which two trees differ, in byte order. A directory counts for
/// itself only.
std::vector<PathChange> Diff(const FileTree& before, const FileTree& after);

/// (device, inode number) on the machine the tree was captured on.
struct DiskId {
  uint64_t dev = 0;
  uint64_t ino = 0;
  auto operator<=>(const DiskId&) const = default;
};

/// A tree as captured, with the identity each inode had on disk: ids[i] belongs to inode i.
struct CapturedTree {
  FileTree tree;
  std::vector<DiskId> ids;
};

/// Reads the directories `roots` (root 0 first; they may not contain each other) without following
/// symlinks and without leaving their device. Hard links are kept. Sockets, fifos and devices are
/// kept as such, unread. Errors: a path that cannot be read, named; more than `max_bytes` in all.
Result<CapturedTree> Capture(const std::vector<std::string>& roots,
                             uint64_t max_bytes = uint64_t{8} << 30);

/// Writes root `root` of `tree` into the existing empty directory `directory`: bytes, symlinks,
/// hard links, modes, and, as far as permitted, owners and xattrs (what was not permitted is not an
/// error). Devices are skipped unless root.
Status WriteTo(const FileTree& tree, const std::string& directory, size_t root = 0);

}  // namespace oldornew
