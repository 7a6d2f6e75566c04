// Sums: digests that can be added up, and counts that cannot overflow.
#pragma once

#include <compare>
#include <cstdint>

#include "base/digest.h"
#include "tree/content.h"

namespace oldornew {

/// A digest that can be added up: the sum over the parts of a picture identifies the picture, in
/// any order.
struct Sum {
  uint64_t high = 0;
  uint64_t low = 0;
  Sum& operator+=(const Sum& other) {
    high += other.high;
    low += other.low;
    return *this;
  }
  Sum& operator-=(const Sum& other) {
    high -= other.high;
    low -= other.low;
    return *this;
  }
  auto operator<=>(const Sum&) const = default;
};

/// `salt` says which part it is: the number of a page, say.
Sum MixDigest(const Digest& digest, uint64_t salt);
/// The part of a file's sum that its size gives.
Sum SizeSum(uint64_t size);
/// The sum of a file's size and pages.
Sum ContentSum(const Content& content);

/// UINT64_MAX stands for "so many or more".
uint64_t SaturatingMultiply(uint64_t a, uint64_t b);
uint64_t SaturatingAdd(uint64_t a, uint64_t b);

}  // namespace oldornew
