// Content: the bytes of a regular file as immutable, shared 4 KiB pages. Copying one costs a vector
// of pointers; crash states that differ in one page share all others, and a digest is made from
// page digests that are computed once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace oldornew {

/// The unit of the page cache on Linux x86-64, and the block size every profile assumes
/// (persistence-model.md 2: -b 4096).
inline constexpr uint64_t kPageSize = 4096;

/// 4096 immutable bytes and their digest.
class Page {
 public:
  explicit Page(std::string_view bytes);  // REQUIRES: bytes.size() <= kPageSize; the rest is zero.
  std::string_view bytes() const { return {bytes_, kPageSize}; }
  const Digest& digest() const { return digest_; }

 private:
  char bytes_[kPageSize];
  Digest digest_;
};

/// Null stands for a page of zeros (a hole reads the same: oracles.md 6).
using PageRef = std::shared_ptr<const Page>;

/// Makes a page, or null when all bytes are zero.
PageRef MakePage(std::string_view bytes);

/// Invariants: pages().size() == ceil(size / 4096); bytes of the last page at and after size are
/// zero.
class Content {
 public:
  Content() = default;  // empty
  static Content FromBytes(std::string_view bytes);
  /// `pages` may be shorter than needed (zeros) or longer (cut); the tail page is zeroed after
  /// `size`.
  static Content FromPages(std::vector<PageRef> pages, uint64_t size);

  uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<PageRef>& pages() const { return pages_; }

  Content WithWrite(uint64_t offset, std::string_view bytes) const;  // grows as pwrite(2) does
  Content WithSize(uint64_t size) const;                             // as truncate(2)

  std::string ToString() const { return Read(0, size_); }
  std::string Read(uint64_t offset, uint64_t length) const;  // cut at the end
  bool AllZeros() const;                                     // false when empty
  Digest digest() const;
  bool operator==(const Content& other) const;

 private:
  uint64_t size_ = 0;
  std::vector<PageRef> pages_;
};

}  // namespace oldornew
