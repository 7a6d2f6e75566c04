// MetaStates: the choices of metadata that a profile allows, segment by segment.
//
// Rows with an order choose a cut, and have a log sync under way on disk or not. Rows with
// META_ORDER=none choose a version of each directory slot that the projection sees.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "model/forced_metadata.h"
#include "model/profile.h"
#include "model/space.h"
#include "model/timeline.h"
#include "model/views.h"

namespace oldornew {

/// Identity of one choice of metadata within a timeline: small, printable, expanded when needed.
struct MetaId {
  uint32_t segment = 0;
  Position cut = 0;
  bool in_flight = false;  ///< txlog: the log sync that was under way is on disk
  /// META_ORDER=none: (slot, index of its version); others have their newest
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

  /// Calls `visit` for each choice of each segment, in order of time; at most `limit` of them (only
  /// rows with META_ORDER=none can have that many). Returns false when there are more.
  bool ForEach(uint64_t limit, const std::function<void(const MetaChoice&)>& visit) const;
  MetaState Expand(const MetaId& id) const;
  /// Attributes up to this position are on disk (rows with META_ORDER=none).
  Position AttributesForced(ObjectId object, uint32_t segment) const {
    return forced_[segment].AttributesOf(object);
  }
  /// Is this one of the choices ForEach visits, as far as can be told from it alone?
  bool Fits(const MetaId& id) const;

 private:
  const Timeline& t_;
  const Profile& p_;
  const Projection& projection_;
  std::vector<ForcedMetadata> forced_;  // by segment
};

}  // namespace oldornew
