// Views: the names and attributes that one choice of metadata leaves on disk, as far as the
// projection sees them.
//
// A MetaState answers, for one timeline, "what does this slot hold, which attributes does this
// inode have, up to where is its content's metadata there". It is a cut, plus, for txlog rows, the
// values that the fsync log puts on top of it, or, for posix rows, a value for each slot. A View is
// what a walk of the projected paths finds in it (7.6.7: reachability decides, nothing is there
// because something below it is).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/file_states.h"
#include "model/history.h"
#include "model/profile.h"

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

/// Is root number `root` one that is judged?
bool IsJudgedRoot(const Trace& trace, size_t root);

/// Identity of one choice of metadata within a timeline: small, printable, expanded when needed.
struct MetaId {
  uint32_t segment = 0;
  Position cut = 0;
  bool in_flight = false;  ///< txlog: the log sync that was under way is on disk
  /// posix: (slot, index of its version); others have their newest
  std::vector<std::pair<size_t, size_t>> slots;
};

struct MetaChoice {
  MetaId id;
  uint32_t weight = 0;
  uint32_t first_point = 0;
  uint32_t last_point = 0;
};

/// Enumerates the choices of metadata of one timeline under one profile.
class MetaStates {
 public:
  MetaStates(const Timeline& timeline, const Profile& profile, const Projection& projection);

  /// Calls `visit` for each choice of each segment, in order of time; at most `limit` of them
  /// (posix rows only can have that many). Returns false when there are more.
  bool ForEach(uint64_t limit, const std::function<void(const MetaChoice&)>& visit) const;
  MetaState Expand(const MetaId& id) const;
  /// Attributes below this position are on disk (posix rows).
  Position AttributesForced(ObjectId object, uint32_t segment) const;
  /// Is this one of the choices ForEach visits, as far as can be told from it alone?
  bool Fits(const MetaId& id) const;

 private:
  struct Bounds {
    Position cut = 0;                         // prefix and txlog rows: the least cut
    std::vector<size_t> slots;                // posix: least version of each slot
    std::map<ObjectId, Position> attributes;  // posix
    Position attributes_all = 0;
  };
  void ComputeBounds();
  void ForcePrefix(const Force& force, Position* cut) const;
  void ForceCells(const Force& force, Bounds* bounds) const;
  Position Newest(ObjectId object, Position until, bool data_only, Position forced_data) const;
  Position NewestAbove(ObjectId object, Position until) const;
  bool ForEachCells(uint64_t limit, const std::function<void(const MetaChoice&)>& visit) const;
  bool DescendCells(uint32_t segment, size_t lost, MetaState* state,
                    std::map<size_t, size_t>* chosen, bool* more, uint64_t* left,
                    const std::function<void(const MetaChoice&)>& visit) const;
  bool Joint(const std::map<size_t, size_t>& chosen, size_t slot, size_t version) const;

  const Timeline& t_;
  const Profile& p_;
  const Projection& projection_;
  std::vector<Bounds> bounds_;  // by segment
};

/// txlog rows: does fsync commit everything instead of writing to the log (f2fs: fsync of a
/// directory is a checkpoint)?
bool FallsBack(const Profile& profile, bool directory);

/// The fsync log of txlog rows (7.6.4): what the log syncs forces[first, count) with a position
/// after `cut` put on top of it.
void ApplyLog(const Timeline& timeline, const Profile& profile, Position cut, size_t count,
              MetaState* state);

}  // namespace oldornew
