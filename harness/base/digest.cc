#include "base/digest.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace oldornew {

std::string Digest::Hex() const { return fmt::format("{:016x}{:016x}", high, low); }

Digest HashBytes(std::string_view bytes) {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  return {h.high64, h.low64};
}

Hasher& Hasher::Add(uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) buffer_.push_back(static_cast<char>(value >> shift));
  return *this;
}

Hasher& Hasher::Add(std::string_view bytes) {
  Add(static_cast<uint64_t>(bytes.size()));
  buffer_.append(bytes);
  return *this;
}

}  // namespace oldornew
