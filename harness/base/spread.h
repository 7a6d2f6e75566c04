// Spread: picks some of many, evenly spaced, including both ends.
#pragma once

#include <cstddef>
#include <vector>

namespace oldornew {

/// At most `most` of `all`, in their order, including the first and the last. REQUIRES: most > 1.
template <typename T>
std::vector<T> Spread(std::vector<T> all, size_t most) {
  if (all.size() <= most) return all;
  std::vector<T> out;
  for (size_t i = 0; i < most; ++i) out.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return out;
}

}  // namespace oldornew
