// What a log does not say at once is learnt from its later lines: a umask from the mode that fstat
// shows, an old size from what lseek returns, an old file from the first call that finds it. A
// replay starts with the Knowledge of the replay before it; its Learner collects what is new.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/world.h"
#include "tree/file_tree.h"

namespace oldornew::replay {

/// Something of the old tree that only the log tells of (no --old).
struct OldEntry {
  /// index of the directory: 0 the judged one, then by place in Knowledge::old + 1
  size_t dir = 0;
  std::string name;
  FileKind kind = FileKind::kFile;
  std::optional<uint32_t> mode;
  std::string target;
  std::string prefix;  ///< its first bytes, as far as the log shows them
  std::optional<uint64_t> size;
};

/// What one replay learnt for the next.
struct Knowledge {
  std::vector<OldEntry> old;
  std::set<size_t> not_created;  ///< calls with O_CREAT whose file turned out to have been there
  std::optional<uint32_t> umask;
  std::optional<std::pair<uint32_t, uint32_t>> owner;  ///< of what the run creates
};

/// A tree of what the log tells of the old state: unknown bytes are placeholders.
FileTree TreeOf(const std::vector<OldEntry>& old);

class Learner {
 public:
  /// `log_tells`: there is no --old, so `old_tree` is what `knowledge` says, and `world` was made
  /// of it. Both get what is known in addition.
  Learner(const Knowledge& knowledge, bool log_tells, FileTree* old_tree, World* world);

  const Knowledge& knowledge() const { return knowledge_; }  ///< with which this replay began
  const Knowledge& learnt() const { return learnt_; }
  bool again() const { return again_; }  ///< something was learnt: replay once more
  /// There is no --old.
  bool log_tells() const { return log_tells_; }
  /// Names of old files whose content the log does not wholly show.
  const std::set<std::string>& placeholders() const { return placeholders_; }

  /// Takes up what the World discovered since this was called last.
  void TakeDiscoveries();

  void LearnBytes(InodeIndex inode, uint64_t offset, const std::string& bytes, bool end);
  /// From the struct that a call of the stat family shows; `prefix` of its fields: "st_", "stx_".
  void LearnStat(InodeIndex inode, std::string_view stat, const char* prefix);
  void LearnSize(InodeIndex inode, uint64_t size);
  /// What was taken for a file or directory of the old tree is a symlink. `first_only`: only if it
  /// has no target yet. False: it is nothing that can be learnt about.
  bool LearnSymlink(InodeIndex inode, const std::string& target, bool first_only);
  /// The umask with which the program was started.
  void LearnUmask(uint32_t umask);
  /// From the tree after the run: the modes and owners of what the run made.
  void LearnOwnersAndModes(const FileTree& new_tree);

 private:
  OldEntry* OldOf(InodeIndex inode);

  const Knowledge& knowledge_;
  Knowledge learnt_;  // starts as knowledge_
  const bool log_tells_;
  const FileTree& old_tree_;
  World& world_;
  bool again_ = false;
  std::set<std::string> placeholders_;
  size_t discoveries_taken_ = 0;
  size_t turned_taken_ = 0;
  std::map<InodeIndex, size_t> discovered_;  // World inode -> place in learnt_.old
};

}  // namespace oldornew::replay
