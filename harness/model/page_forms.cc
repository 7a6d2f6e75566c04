#include "model/page_forms.h"

#include <algorithm>
#include <cstring>

namespace oldornew {
namespace {

constexpr uint64_t kSectorSize = 512;
constexpr uint32_t kSectors = kPageSize / kSectorSize;

std::string_view BytesOf(const PageRef& page) {
  static constexpr char kZeros[kPageSize] = {};
  return page == nullptr ? std::string_view(kZeros, kPageSize) : page->bytes();
}

}  // namespace

uint32_t VersionAt(const PageLife& life, Position pos) {
  auto after = std::upper_bound(life.versions.begin(), life.versions.end(), pos,
                                [](Position p, const PageVersion& v) { return p < v.pos; });
  return static_cast<uint32_t>(after - life.versions.begin());
}

const PageRef& PageOf(const PageLife& life, uint32_t version) {
  return version == 0 ? life.base : life.versions[version - 1].page;
}

uint32_t DifferingSectors(const PageRef& a, const PageRef& b) {
  uint32_t mask = 0;
  for (uint32_t k = 0; k < kSectors; ++k) {
    const std::string_view sector_a = BytesOf(a).substr(k * kSectorSize, kSectorSize);
    const std::string_view sector_b = BytesOf(b).substr(k * kSectorSize, kSectorSize);
    if (sector_a != sector_b) mask |= 1u << k;
  }

  return mask;
}

std::vector<uint32_t> TornMasks(uint32_t differing, Grain grain) {
  std::vector<uint32_t> bits;
  for (uint32_t k = 0; k < kSectors; ++k) {
    if (differing & (1u << k)) bits.push_back(1u << k);
  }
  std::vector<uint32_t> masks;
  if (bits.size() < 2) return masks;  // one sector is written whole or not at all

  uint32_t prefix = 0;
  if (grain != Grain::kSector) {
    for (size_t k = 0; k < bits.size() / 2; ++k) prefix |= bits[k];
    return {prefix};
  }

  for (size_t k = 0; k + 1 < bits.size(); ++k) {
    prefix |= bits[k];
    masks.push_back(prefix);
    masks.push_back(differing & ~prefix);
  }

  for (uint32_t bit : bits) masks.push_back(bit);
  std::sort(masks.begin(), masks.end());
  masks.erase(std::unique(masks.begin(), masks.end()), masks.end());
  return masks;
}

PageRef TornPage(const PageRef& under, const PageRef& over, uint32_t sectors) {
  char buffer[kPageSize];
  for (uint32_t k = 0; k < kSectors; ++k) {
    const PageRef& from = sectors & (1u << k) ? over : under;
    std::memcpy(buffer + k * kSectorSize, BytesOf(from).data() + k * kSectorSize, kSectorSize);
  }

  return MakePage({buffer, kPageSize});
}

PageRef CutToSize(const PageRef& page, uint64_t index, uint64_t size) {
  if (page == nullptr || (index + 1) * kPageSize <= size) return page;
  if (index * kPageSize >= size) return nullptr;

  // Pages are shared and have their digest: make a new one only if there is something to cut off.
  const uint64_t keep = size - index * kPageSize;
  const std::string_view tail = page->bytes().substr(keep);
  if (std::all_of(tail.begin(), tail.end(), [](char c) { return c == '\0'; })) return page;
  return MakePage(page->bytes().substr(0, keep));
}

PageLife Flatten(const std::vector<PageLife>& lives, std::vector<uint32_t>* fresh) {
  PageLife flat;
  flat.mapped = true;
  for (size_t i = 0; i < lives.size(); ++i) {
    const PageLife& life = lives[i];

    // How the life began.
    if (i == 0 && life.mapped && life.born == 0) {
      flat.base = life.base;
    } else if (i == 0) {
      fresh->push_back(0);
    }
    if (life.mapped && life.born > 0) flat.versions.push_back({life.born, 0, life.base, 0, true});

    for (const PageVersion& version : life.versions) flat.versions.push_back(version);

    if (life.dies == kNeverDies) continue;
    flat.versions.push_back({life.dies, 0, nullptr, 0, true});
    fresh->push_back(static_cast<uint32_t>(flat.versions.size()));
  }

  return flat;
}

bool ChangeTogether(const std::vector<PageVersion>& a, const std::vector<PageVersion>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const PageVersion& x, const PageVersion& y) { return x.pos == y.pos; });
}

}  // namespace oldornew
