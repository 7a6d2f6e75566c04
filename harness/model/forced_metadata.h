// Forced metadata: the names, sizes and attributes that the sync calls that returned have put on
// disk (model.md, section 5.5: forced-metadata, write-position and the rules of fdatasync).
#pragma once

#include <map>
#include <vector>

#include "model/profile.h"
#include "model/timeline.h"

namespace oldornew {

struct ForcedMetadata {
  /// rows with META_ORDER=prefix or txlog: the least cut
  Position cut = 0;

  // Rows with META_ORDER=none.
  std::vector<size_t> slots;                ///< least version of each slot
  std::map<ObjectId, Position> attributes;  ///< as of at least this position
  Position attributes_all = 0;              ///< the same for every object

  Position AttributesOf(ObjectId object) const;
};

/// By segment: what holds within it.
std::vector<ForcedMetadata> ForcedBySegment(const Timeline& timeline, const Profile& profile);

}  // namespace oldornew
