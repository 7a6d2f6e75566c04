// NameTimelines: which values the names and attributes of one file system took in the run, and
// when.
//
// Metadata is kept as timelines: the values that a directory slot or an attribute takes, each with
// the position at which it takes it. The tree of names at a cut is looked up in them, never copied.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/changes.h"
#include "trace/trace.h"

namespace oldornew {

struct SlotVersion {
  Position pos = 0;
  uint32_t op = 0;
  ObjectId object = kNoObject;  ///< kNoObject: no such name
};

/// One name in one directory that the run changed.
struct Slot {
  ObjectId dir = kNoObject;
  std::string name;
  std::vector<SlotVersion> versions;  ///< versions[0] is before the run (pos 0)
  size_t IndexAt(Position cut) const;
  ObjectId At(Position cut) const { return versions[IndexAt(cut)].object; }
};

struct AttrVersion {
  Position pos = 0;
  uint32_t op = 0;
  uint32_t mode = 0, uid = 0, gid = 0;
};

struct XattrVersion {
  Position pos = 0;
  uint32_t op = 0;
  std::optional<std::string> value;
};

/// The parts of an inode that are neither names nor data.
struct Attributes {
  uint32_t mode = 0, uid = 0, gid = 0;
  std::map<std::string, std::string> xattrs;
};

class NameTimelines {
 public:
  /// `trace` must outlive this.
  explicit NameTimelines(const Trace& trace) : trace_(&trace) {}

  // Building: in ascending order of positions.

  /// The slot has this value from the group's position on; the group gets to know the slot.
  void SetSlot(Group* group, ObjectId dir, const std::string& name, ObjectId object);
  /// The inode is made, with these attributes.
  void Create(ObjectId object, const AttrVersion& made);
  /// ... and has no name yet (O_TMPFILE).
  void CreatedNameless(ObjectId object) { nameless_[object] = 0; }
  /// The object got one more name.
  void Linked(ObjectId object, Position pos);
  void SetAttributes(ObjectId object, const AttrVersion& attributes);
  void SetXattr(ObjectId object, const std::string& key, XattrVersion version);

  // What was built.

  const std::vector<Slot>& slots() const { return slots_; }
  /// Slots of a directory by name; null when none was changed.
  const std::map<std::string, size_t>* SlotsOf(ObjectId dir) const;
  /// Slots that ever held the object.
  const std::vector<size_t>& NamesOf(ObjectId object) const;
  /// Did the run change this slot?
  bool Changed(ObjectId dir, const std::string& name) const;

  /// Null when the run changed none.
  const std::vector<AttrVersion>* AttrsOf(ObjectId object) const;
  const std::map<std::string, std::vector<XattrVersion>>* XattrsOf(ObjectId object) const;
  Attributes AttributesAt(ObjectId object, Position cut) const;

  /// 0 for objects that were there before the run.
  Position CreatedAt(ObjectId object) const;
  /// Position of the op that gave a file born nameless its first name; 0 for others.
  Position FirstLinkOfNameless(ObjectId object) const;

 private:
  bool IsOld(ObjectId object) const {
    return static_cast<size_t>(object) < trace_->old_tree.size();
  }

  const Trace* trace_;
  std::vector<Slot> slots_;
  std::unordered_map<ObjectId, std::map<std::string, size_t>> slots_of_;
  std::unordered_map<ObjectId, std::vector<size_t>> names_of_;
  std::unordered_map<ObjectId, std::vector<AttrVersion>> attrs_;
  std::unordered_map<ObjectId, std::map<std::string, std::vector<XattrVersion>>> xattrs_;
  std::unordered_map<ObjectId, Position> created_;
  // born without a name -> position of its first link (0: none yet)
  std::unordered_map<ObjectId, Position> nameless_;
};

}  // namespace oldornew
