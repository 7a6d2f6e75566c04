// Attribute cells: with META_ORDER=none, mode, uid, gid and each extended attribute hold any value
// since they were last forced, each on its own (model.md, section 5.7).
#pragma once

#include <cstdint>
#include <vector>

#include "model/sums.h"
#include "model/timeline.h"

namespace oldornew {

struct AttributeChoice {
  Attributes attributes;
  uint32_t weight = 0;
  Position pos = 0;
  Sum key;
};

/// All combinations of values that the object's attributes had between `forced` and `horizon`, in
/// order of weight, the newest first; at most a few hundred. `*complete` becomes false when there
/// are more.
std::vector<AttributeChoice> AttributeChoices(const Timeline& timeline, ObjectId object,
                                              Position forced, Position horizon, bool* complete);

/// The part of a node's key that its attributes give.
Sum AttributesSum(const Attributes& attributes);

}  // namespace oldornew
