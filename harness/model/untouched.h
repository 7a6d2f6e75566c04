// Untouched: the parts of the old tree that the run left alone.
//
// They are there in every state, so no walk has to look at them: the cost of a state depends on
// what the run changed and not on the size of the tree.
#pragma once

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/name_timelines.h"
#include "trace/trace.h"

namespace oldornew {

class Untouched {
 public:
  using Entries = std::vector<std::pair<std::string, ObjectId>>;

  Untouched() = default;
  /// `touched`, by object: something of it other than its names changed.
  Untouched(const Trace& trace, const std::vector<bool>& touched, const NameTimelines& names);

  /// Nothing at or below this object of the old tree was touched.
  bool Quiet(ObjectId object) const { return quiet_[static_cast<size_t>(object)]; }
  /// The entries of an old directory that are not quiet, or under a name that changed; of a quiet
  /// directory none.
  const Entries& Lively(ObjectId dir) const;

 private:
  std::vector<bool> quiet_;
  std::unordered_map<ObjectId, Entries> lively_;
};

}  // namespace oldornew
