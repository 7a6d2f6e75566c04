#include "model/changes.h"

#include <algorithm>

#include "base/check.h"

namespace oldornew {

Position Changes::NewPosition(uint32_t op) {
  op_of_.push_back(op);
  return last();
}

Group& Changes::NewGroup(uint32_t op) {
  Group group;
  group.pos = NewPosition(op);
  group.op = op;
  groups_.push_back(std::move(group));
  return groups_.back();
}

const Group& Changes::GroupAt(Position pos) const {
  const auto found = std::lower_bound(groups_.begin(), groups_.end(), pos,
                                      [](const Group& g, Position p) { return g.pos < p; });
  CHECK(found != groups_.end());
  return *found;
}

}  // namespace oldornew
