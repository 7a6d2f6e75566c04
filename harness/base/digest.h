// 128-bit content digests (XXH3-128), for deduplication and for names within one report. Not for
// security.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace oldornew {

struct Digest {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const Digest&) const = default;
  /// 32 lowercase hex digits.
  std::string Hex() const;
  /// The first 8 hex digits: enough for a file name in one report.
  std::string Short() const { return Hex().substr(0, 8); }
};

Digest HashBytes(std::string_view bytes);

/// Collects fields into one digest. Each string is preceded by its length, so that different fields
/// never give the same bytes.
class Hasher {
 public:
  Hasher& Add(std::string_view bytes);
  Hasher& Add(uint64_t value);
  Hasher& Add(const Digest& digest) { return Add(digest.high).Add(digest.low); }
  Digest Finish() const { return HashBytes(buffer_); }

 private:
  std::string buffer_;
};

}  // namespace oldornew

template <>
struct std::hash<oldornew::Digest> {
  size_t operator()(const oldornew::Digest& d) const noexcept { return d.low; }
};
