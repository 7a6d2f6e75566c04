#include "model/sums.h"

namespace oldornew {
namespace {

constexpr uint64_t kSizeSalt = 0x512e;

uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

}  // namespace

Sum MixDigest(const Digest& digest, uint64_t salt) {
  return {Mix(digest.high ^ Mix(salt + 0x9e3779b97f4a7c15u)),
          Mix(digest.low + Mix(salt ^ 0xc2b2ae3d27d4eb4fu))};
}

Sum SizeSum(uint64_t size) { return MixDigest({size, 1}, kSizeSalt); }

Sum ContentSum(const Content& content) {
  Sum sum = SizeSum(content.size());
  for (uint64_t page = 0; page < content.pages().size(); ++page) {
    const PageRef& ref = content.pages()[page];
    if (ref != nullptr) sum += MixDigest(ref->digest(), page);
  }

  return sum;
}

uint64_t SaturatingMultiply(uint64_t a, uint64_t b) {
  uint64_t out;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

uint64_t SaturatingAdd(uint64_t a, uint64_t b) {
  uint64_t out;
  return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

}  // namespace oldornew
