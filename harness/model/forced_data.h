// ForcedData: the data of one file that the sync calls that returned have put on disk (model.md,
// section 5.5: forced-data, failed-sync and failed-sync-stays-lost).
#pragma once

#include <cstdint>
#include <vector>

#include "model/data_timelines.h"
#include "model/profile.h"

namespace oldornew {

class ForcedData {
 public:
  /// Forces that returned before `segment` hold. `file` must outlive this.
  ForcedData(const FileHistory& file, const Profile& profile, uint32_t segment);

  /// All versions of the page at or before this position are on disk. A failed sync leaves its
  /// pages clean: a later sync forces them only if they were written again.
  Position OfPage(uint64_t page) const;
  /// The size that is on disk at a cut, of writes after position `epoch`.
  uint64_t Size(Position epoch, Position cut) const;
  /// META_ORDER=none: the size cell has at least the value of this position.
  Position SizeCell() const;

 private:
  Position OfLives(uint64_t page, const std::vector<PageLife>& lives) const;
  bool LostAt(uint64_t page, const std::vector<PageLife>& lives, Position pos) const;

  const FileHistory& file_;
  const bool failed_stays_lost_;  // the rule holds
  std::vector<DataForce> forces_;
};

}  // namespace oldornew
