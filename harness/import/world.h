// World: the file system as a log of calls lets us know it. The judged directory with all that is
// in it, and around it as much of the rest of the machine as the calls name: paths are walked here,
// symlinks followed, and what each call changes is carried out, so that the next path leads where
// it led on the machine that was watched.
//
// What is listed is known: a name that is not in a listed directory is not there. The judged
// directory is listed when its tree before the run was given (--old); everything outside, and
// without --old the judged directory as well, is not: there, a name is made known when a call
// succeeds that needs it (Discover).
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "interpose/wire.h"
#include "tree/file_tree.h"

namespace oldornew {

/// Where a path leads. `dir` and `name`: the place of its last component; `inode`: what is there.
/// dir == kNoInode with an inode: the path ends in "." or "..", or names an open descriptor.
/// Neither: a directory on the way is missing.
struct FoundPath {
  InodeIndex dir = kNoInode;
  std::string name;
  InodeIndex inode = kNoInode;

  bool there() const { return inode != kNoInode; }
  bool place() const { return dir != kNoInode; }
};

class World {
 public:
  /// `old_tree` becomes the judged directory at the absolute path `root_path`; its inodes keep
  /// their numbers.
  World(const FileTree& old_tree, const std::string& root_path, bool listed);

  const FileTree& tree() const { return tree_; }
  Inode& at(InodeIndex i) { return tree_.at(i); }
  const Inode& at(InodeIndex i) const { return tree_.at(i); }

  /// What is known of an inode in addition to its content.
  struct Facts {
    InodeIndex parent = kNoInode;  ///< directories: the one they stand in
    bool listed = false;           ///< directories: all its names are known
    bool judged = false;           ///< of the judged directory
    bool bytes_known = true;       ///< files: Inode::content is what is there
    bool size_known = true;        ///< files: `size` is right
    bool touched = false;          ///< changed by the run: no longer as it was before
    uint64_t size = 0;             ///< files
    uint32_t asked_mode = 0;       ///< created by the run with this mode, before the umask
    bool mode_is_asked = false;    ///< ... and not changed since: its mode tells the umask
    /// the call that is assumed to have created it, though nothing proves it
    int64_t assumed_new_by = -1;
  };
  Facts& facts(InodeIndex i) { return facts_[static_cast<size_t>(i)]; }
  const Facts& facts(InodeIndex i) const { return facts_[static_cast<size_t>(i)]; }
  bool Judged(InodeIndex i) const { return i != kNoInode && facts(i).judged; }
  bool JudgedFile(InodeIndex i) const { return Judged(i) && at(i).kind == FileKind::kFile; }

  InodeIndex slash() const { return slash_; }

  /// Walks `path` from `start` (ignored for absolute ones). `follow`: a symlink at the end is
  /// followed too. `make`: directories on the way that are not known, though they may be there, are
  /// made known.
  FoundPath Walk(InodeIndex start, std::string_view path, bool follow, bool make);

  /// Puts something that must have been there into an unlisted directory. False: it cannot have
  /// been (the directory is listed, was made by the run, or the name was seen to be free).
  bool Discover(FoundPath* found, FileKind kind);
  /// Called for each discovery in the judged directory.
  struct Discovery {
    InodeIndex dir;
    std::string name;
    InodeIndex inode;
  };
  const std::vector<Discovery>& discoveries() const { return discoveries_; }
  /// What was discovered as a file and then used as a directory.
  const std::vector<InodeIndex>& turned_into_directories() const { return turned_; }
  /// The directory at an absolute path, discovered if need be; kNoInode: there can be none.
  InodeIndex Directory(const std::string& path);

  /// A new file of the run; the place may be empty (O_TMPFILE). `dir` gives it its side: judged or
  /// not.
  InodeIndex Create(InodeIndex dir, const std::string& name, Inode inode);
  void Link(InodeIndex dir, const std::string& name, InodeIndex inode);
  void Unlink(InodeIndex dir, const std::string& name);
  /// The name was seen to be free.
  void NoteAbsent(InodeIndex dir, const std::string& name) { absent_.insert({dir, name}); }
  bool Absent(const FoundPath& place) const { return absent_.count({place.dir, place.name}) != 0; }
  /// An unlisted directory outside turns out to be another name of `target`, an absolute path.
  void TurnIntoSymlink(InodeIndex dir, const std::string& target);

  /// As fstat would show it: device 1 for what is judged, 2 for the rest. All zeros for kNoInode.
  wire::FileState State(InodeIndex i) const;
  wire::FileId Id(InodeIndex i) const;
  /// The absolute path of a directory.
  std::string PathOf(InodeIndex directory) const;

 private:
  InodeIndex Add(Inode inode, InodeIndex parent, bool judged, bool listed);
  FoundPath Step(FoundPath at, std::string_view name, bool make, bool last);
  FoundPath WalkFrom(InodeIndex start, std::string_view path, bool follow, bool make, int* links);

  FileTree tree_;
  std::vector<Facts> facts_;
  InodeIndex slash_ = kNoInode;
  std::set<std::pair<InodeIndex, std::string>> absent_;
  std::vector<Discovery> discoveries_;
  std::vector<InodeIndex> turned_;
};

/// S_IFREG and the like.
uint32_t TypeBits(FileKind kind);

}  // namespace oldornew
