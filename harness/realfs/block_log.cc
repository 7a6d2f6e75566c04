#include "realfs/block_log.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <utility>

namespace oldornew {
namespace {

constexpr size_t kUnit = 4096;
constexpr size_t kHeader = 1 + 8 + 4;

void Thin(size_t most, std::vector<CrashImage>* images) {
  if (images->size() <= most || most < 2) return;
  std::vector<CrashImage> kept;
  for (size_t i = 0; i < most; ++i)
    kept.push_back((*images)[i * (images->size() - 1) / (most - 1)]);
  *images = std::move(kept);
}

}  // namespace

std::string EncodeEvent(BlockEvent::Kind kind, uint64_t offset, std::string_view data) {
  std::string out(kHeader, '\0');
  out[0] = static_cast<char>(kind);
  const auto length = static_cast<uint32_t>(data.size());
  std::memcpy(&out[1], &offset, 8);
  std::memcpy(&out[9], &length, 4);
  return out.append(data);
}

bool IsLetterData(std::string_view block) {
  if (block.size() < kUnit || block[0] < 'A' || block[0] > 'z') return false;
  return block.substr(0, 64).find_first_not_of(block[0]) == std::string_view::npos;
}

Result<std::vector<BlockEvent>> DecodeBlockLog(std::string_view bytes) {
  std::vector<BlockEvent> out;
  for (size_t at = 0; at < bytes.size();) {
    uint32_t length = 0;
    BlockEvent event;
    if (bytes.size() - at < kHeader) return Fail("block log: cut short at byte {}", at);
    const auto kind = static_cast<uint8_t>(bytes[at]);
    if (kind < 1 || kind > 3) return Fail("block log: unknown event {} at byte {}", kind, at);
    event.kind = static_cast<BlockEvent::Kind>(kind);
    std::memcpy(&event.offset, &bytes[at + 1], 8);
    std::memcpy(&length, &bytes[at + 9], 4);
    at += kHeader;
    if (bytes.size() - at < length) return Fail("block log: cut short at byte {}", at);
    const std::string_view data = bytes.substr(at, length);
    at += length;
    if (event.kind == BlockEvent::Kind::kWrite && data.size() > kUnit && IsLetterData(data)) {
      for (size_t unit = 0; unit < data.size(); unit += kUnit)
        out.push_back({event.kind, event.offset + unit, std::string(data.substr(unit, kUnit))});
    } else {
      event.data = data;
      out.push_back(std::move(event));
    }
  }

  return out;
}

std::vector<CrashImage> CrashImages(const std::vector<BlockEvent>& log, uint32_t start,
                                    const ImageBounds& bounds) {
  std::mt19937_64 random(bounds.seed);
  std::vector<uint32_t> durable, loose;
  std::vector<CrashImage> images;

  // sets since the last mark: the same one again says nothing new
  std::set<std::vector<uint32_t>> at_mark;
  auto add = [&](uint32_t position, const std::vector<uint32_t>& chosen) {
    CrashImage image{position, durable};
    image.writes.insert(image.writes.end(), chosen.begin(), chosen.end());
    std::sort(image.writes.begin(), image.writes.end());
    if (at_mark.insert(image.writes).second) images.push_back(std::move(image));
  };

  for (uint32_t i = 0; i < log.size(); ++i) {
    const BlockEvent::Kind kind = log[i].kind;
    if (i >= start && kind != BlockEvent::Kind::kWrite) {  // the end of an epoch
      add(i, {});
      for (size_t one = 0; one < std::min(loose.size(), 2 * bounds.subsets_per_epoch); ++one) {
        std::vector<uint32_t> others = loose;
        others.erase(others.begin() + static_cast<std::ptrdiff_t>(one));
        add(i, others);
        add(i, {loose[one]});
      }
      for (size_t n = 0; n < bounds.subsets_per_epoch && loose.size() > 2; ++n) {
        std::vector<uint32_t> some;
        for (uint32_t write : loose) {
          if (random() & 1) some.push_back(write);
        }
        add(i, some);
      }
    }

    if (kind == BlockEvent::Kind::kMark) at_mark.clear();
    if (kind == BlockEvent::Kind::kWrite) loose.push_back(i);
    if (kind == BlockEvent::Kind::kFlush) {
      durable.insert(durable.end(), loose.begin(), loose.end());
      loose.clear();
    }

    if (i >= start) add(i + 1, loose);
  }

  Thin(bounds.most, &images);
  return images;
}

}  // namespace oldornew
