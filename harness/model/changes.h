// Changes: the time of the model, and the fixed changes in it (model.md, sections 1 and 3).
//
// Time is counted in *positions*. Every op that changes something has one position, a write call
// one for each of its data units (rule units), in the order the kernel copies them: a commit may
// fall between two of them. Position 0 is the start; "at cut c" means: with everything whose
// position is <= c.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "trace/op.h"

namespace oldornew {

using Position = uint32_t;

/// Why a group concerns an object.
enum class Touch : uint8_t { kNew, kName, kEntry, kAttr, kXattr, kSize };

/// A fixed change: the metadata that one op changes as a whole.
struct Group {
  Position pos = 0;
  uint32_t op = 0;
  std::vector<std::pair<ObjectId, Touch>> touches;
  std::vector<size_t> slots;  ///< those that this group changed
  /// a rename or exchange that involves a directory: whole even on rows with META_ORDER=none
  bool moves_directory = false;
};

/// All positions and groups of one timeline, in order of time.
class Changes {
 public:
  /// The next position; `op` stands there.
  Position NewPosition(uint32_t op);
  /// A group at a new position. The reference holds until the next call.
  Group& NewGroup(uint32_t op);

  Position last() const { return static_cast<Position>(op_of_.size() - 1); }
  uint32_t OpOf(Position pos) const { return op_of_[pos]; }
  const std::vector<Group>& groups() const { return groups_; }
  /// The group at a position. REQUIRES: there is one.
  const Group& GroupAt(Position pos) const;

 private:
  std::vector<uint32_t> op_of_ = {UINT32_MAX};  // by position
  std::vector<Group> groups_;                   // ascending by position
};

}  // namespace oldornew
