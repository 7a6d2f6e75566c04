// FoundStates: the distinct states among the combinations that were visited.
//
// States that look the same are one state. For each, all its crash points are kept, and two
// witnesses: how it comes about at the earliest of them and at the latest.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "model/combinations.h"
#include "model/pictures.h"

namespace oldornew {

/// One state as it was met: everything needed to build it again.
struct Witness {
  uint32_t point = 0;
  uint32_t order = 0;
  std::vector<std::pair<uint32_t, uint32_t>> parts;  ///< by device: picture, occurrence
  std::vector<DimensionChoices> choices;             ///< by device
};

struct Found {
  Digest digest;
  uint32_t weight = 0;
  std::vector<Interval> points;  ///< ascending, apart from each other
  Witness early, late;
};

class FoundStates {
 public:
  /// One choice on each dimension of the pictures of a combination. `pictures` and `choices`: by
  /// device.
  void Add(const Combination& combination, const std::vector<const Picture*>& pictures,
           const std::vector<std::vector<uint32_t>>& choices, uint32_t weight);

  /// In the order in which they were first met.
  const std::vector<Found>& all() const { return found_; }

 private:
  Found& Known(const Digest& digest, uint32_t weight);

  std::unordered_map<Digest, size_t> by_digest_;
  std::vector<Found> found_;
};

}  // namespace oldornew
