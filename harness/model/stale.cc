#include "model/stale.h"

#include <map>
#include <utility>

namespace oldornew {

namespace {

constexpr unsigned char kFirst = 0xF5;
constexpr uint64_t kValues = 0x100 - kFirst;
constexpr size_t kSector = 512;

bool IsStaleSector(std::string_view sector) {
  bool differing = false;
  for (size_t i = 0; i < sector.size(); ++i) {
    if (static_cast<unsigned char>(sector[i]) < kFirst) {
      // A file that ends within the sector has zeros from there on; enough must have been seen by
      // then.
      return (differing || i == 1) && sector.find_first_not_of('\0', i) == std::string_view::npos;
    }

    differing |= sector[i] != sector[0];
  }

  return differing;
}

}  // namespace

namespace {

PageRef MakeStalePage(uint64_t object, uint64_t page) {
  char bytes[kPageSize];
  uint64_t state = object * 0x9E3779B97F4A7C15u + page * 0xD1B54A32D192ED03u + 1;
  for (char& byte : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    byte = static_cast<char>(kFirst + (state >> 33) % kValues);
  }

  return MakePage({bytes, sizeof bytes});
}

}  // namespace

PageRef StalePage(uint64_t object, uint64_t page) {
  // Thousands of states show the same pages. Each thread keeps what it has made, up to 32 MiB.
  constexpr size_t kMost = 8192;
  thread_local std::map<std::pair<uint64_t, uint64_t>, PageRef> made;
  if (made.size() > kMost) made.clear();
  PageRef& known = made[{object, page}];
  if (known == nullptr) known = MakeStalePage(object, page);
  return known;
}

bool ContainsStaleBytes(const PageRef& page) {
  if (page == nullptr) return false;
  for (size_t at = 0; at < kPageSize; at += kSector) {
    if (IsStaleSector(page->bytes().substr(at, kSector))) return true;
  }
  return false;
}

}  // namespace oldornew
