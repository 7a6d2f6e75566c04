// Which object a (device, inode number) pair means at a point of the run, and what path people
// would give it then.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "interpose/wire.h"
#include "trace/trace.h"

namespace oldornew {

class ObjectTable {
 public:
  /// Starts with the inodes of `old_tree` as objects 0.., which are put into trace->objects.
  /// `trace` must outlive this.
  ObjectTable(const CapturedTree& old_tree, Trace* trace);

  /// The object of that identity now, or kNoObject when it belongs to no root.
  ObjectId Find(uint64_t dev, uint64_t ino) const;
  ObjectId Find(const wire::FileId& id) const { return Find(id.dev, id.ino); }
  ObjectId Find(const wire::FileState& state) const;
  /// The object at (dir, name), by what the ops so far did.
  ObjectId At(ObjectId dir, const std::string& name) const;
  bool OnRootDevice(uint64_t dev) const;
  ObjectId RootOnDevice(uint64_t dev) const;

  /// A file came to be: the identity means a new object from now on.
  ObjectId Create(const wire::FileState& state);
  /// A file came to be outside every root: the identity means nothing from now on.
  void Forget(const wire::FileState& state);

  /// Number of the root below which the object is (or was last), or nullopt.
  std::optional<size_t> RootOf(ObjectId object) const;
  /// Whether the object has a name now.
  bool HasName(ObjectId object) const;

  void AddName(ObjectId dir, const std::string& name, ObjectId object);
  void RemoveName(ObjectId dir, const std::string& name);

  /// Path relative to the judged directory; below another root it starts with Root::path. "." is
  /// the judged directory. What has no name any more is shown by its last one.
  std::string Path(ObjectId object) const;
  std::string Path(ObjectId dir, const std::string& name) const;

 private:
  struct Names {
    std::vector<std::pair<ObjectId, std::string>> links;
    std::pair<ObjectId, std::string> last{kNoObject, ""};
  };

  Trace* trace_;
  std::map<DiskId, ObjectId> by_id_;
  std::map<std::pair<ObjectId, std::string>, ObjectId> entries_;
  std::vector<Names> names_;
  std::map<ObjectId, size_t> roots_;  // root directory -> number
};

}  // namespace oldornew
