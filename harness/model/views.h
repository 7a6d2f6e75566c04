// Views: the names that one choice of metadata leaves on disk, as far as the projection sees them.
//
// A MetaState answers, for one timeline, "what does this slot hold, which attributes does this
// inode have, up to where is its content's metadata there". It is a cut, plus, for txlog rows, the
// values that the fsync log puts on top of it, or, for rows with META_ORDER=none, a value for each
// slot. A View is what a walk of the projected paths finds in it: reachability decides (model.md,
// section 4), and nothing is there because something below it is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/space.h"
#include "model/timeline.h"

namespace oldornew {

struct MetaState {
  Position cut = 0;
  /// by slot index: what it holds, where that is not its value at the cut
  std::map<size_t, ObjectId> slots;
  std::map<ObjectId, Position> attributes;  ///< attributes as of this position instead of the cut
  std::map<ObjectId, Position> contents;  ///< size and pages as of this position instead of the cut
  std::map<size_t, Position> slot_pos;    ///< position at which the slot got its value in `slots`

  ObjectId SlotValue(const Timeline& timeline, size_t slot) const;
  /// Position as of which the slot has its value.
  Position SlotPosition(size_t slot) const;
};

/// One path the projection sees, or a directory above one.
struct ViewNode {
  size_t root = 0;
  std::string path;  ///< "" = the root itself
  ObjectId object = kNoObject;
  bool projected = false;  ///< part of the picture; else only a directory on the way
  bool quiet = false;      ///< the old tree's subtree as it was: not walked into
  /// a directory of the old tree: its Timeline::InBundle entries are there, without nodes
  bool bundle = false;
  int32_t slot = -1;  ///< index of the slot that named it, if the run changed that slot
};

struct View {
  std::vector<ViewNode> nodes;  ///< parents before children
  std::vector<size_t> slots;    ///< every changed slot that was looked at, whatever it holds
  bool valid = true;            ///< false: a directory with two parents
};

/// Walks the projected paths below the judged roots of this timeline's device. `choose`, when
/// given, is asked for the slots that are not in state.slots; returning nullopt ends the walk with
/// an invalid view.
View Walk(const Timeline& timeline, const MetaState& state, const Projection& projection,
          const std::function<std::optional<ObjectId>(size_t slot)>& choose = {});

}  // namespace oldornew
