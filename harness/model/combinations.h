// Combinations: pictures of all devices that can be there together.
//
// Devices are separate (rule devices): a state of several is one picture of each, at a crash point
// that they have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "model/pictures.h"

namespace oldornew {

/// Crash points from the first to the second, both included.
using Interval = std::pair<uint32_t, uint32_t>;

/// Occurrences of the pictures that share crash points.
struct Meeting {
  std::vector<uint32_t> occurrences;  ///< by device: index into Picture::occurrences
  Interval points;
};

struct Combination {
  uint32_t order = 0;
  std::vector<uint32_t> pictures;  ///< by device: index into Pictures::all()
  std::vector<Meeting> meetings;   ///< never empty
  uint64_t total = 1;              ///< states in it; saturating
  uint32_t weight = 0;             ///< of the metadata
  uint32_t max_weight = 0;
};

using PicturesOfDevices = std::vector<std::unique_ptr<Pictures>>;

/// Adds the combinations of one order of ops to `out`, at most `limit`. Returns false when there
/// are more.
bool Combine(const PicturesOfDevices& devices, uint32_t order, uint64_t limit,
             std::vector<Combination>* out);

}  // namespace oldornew
