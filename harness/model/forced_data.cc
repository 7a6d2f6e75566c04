#include "model/forced_data.h"

#include <algorithm>

#include "model/page_forms.h"

namespace oldornew {

ForcedData::ForcedData(const FileHistory& file, const Profile& profile, uint32_t segment)
    : file_(file), failed_stays_lost_(profile.rules.Has(Rule::kFailedSyncStaysLost)) {
  if (profile.sync_noop || !profile.rules.Has(Rule::kForcedData)) return;
  for (const DataForce& force : file_.forces) {
    if (force.segment <= segment) forces_.push_back(force);
  }
}

Position ForcedData::OfPage(uint64_t page) const {
  const auto found = file_.pages.find(page);
  return found == file_.pages.end() ? 0 : OfLives(page, found->second);
}

Position ForcedData::OfLives(uint64_t page, const std::vector<PageLife>& lives) const {
  Position forced = 0;
  Position poisoned = 0;  // of the last sync that failed on this page
  for (const DataForce& force : forces_) {
    if (page < force.first_page || page > force.last_page) continue;
    if (force.failed) {
      poisoned = force.pos;
      continue;
    }

    Position newest = 0;
    for (const PageLife& life : lives) {
      const uint32_t version = VersionAt(life, force.pos);
      if (version > 0) newest = std::max(newest, life.versions[version - 1].pos);
    }
    // The kernel took the page for clean when the sync failed, and it was not written since.
    const bool clean = poisoned != 0 && newest <= poisoned;
    if (!clean || !failed_stays_lost_) forced = force.pos;
  }
  return forced;
}

bool ForcedData::LostAt(uint64_t page, const std::vector<PageLife>& lives, Position pos) const {
  const Position forced = OfLives(page, lives);
  return std::any_of(lives.begin(), lives.end(), [&](const PageLife& life) {
    const uint32_t version = VersionAt(life, pos);
    return version > 0 && life.versions[version - 1].pos > forced;
  });
}

uint64_t ForcedData::Size(Position epoch, Position cut) const {
  uint64_t size = 0;
  bool failed = false;
  for (const DataForce& force : forces_) {
    failed = failed || force.failed;
    if (force.failed || force.pos <= epoch) continue;

    uint64_t reached = file_.LiveSize(std::min(force.pos, cut));
    if (!force.whole()) reached = std::min(reached, force.end);
    // After a failed sync: nothing from the first page whose data was lost.
    for (auto page = file_.pages.begin(); failed && page != file_.pages.end(); ++page) {
      if (!LostAt(page->first, page->second, force.pos)) continue;
      reached = std::min(reached, page->first * kPageSize);
      break;
    }
    size = std::max(size, reached);
  }
  return size;
}

Position ForcedData::SizeCell() const {
  Position forced = 0;
  for (const DataForce& force : forces_) {
    if (force.failed && !failed_stays_lost_) continue;
    if (force.failed) break;  // whatever came after may have found the file clean
    forced = force.pos;
  }
  return forced;
}

}  // namespace oldornew
