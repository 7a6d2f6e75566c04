// Units: the parts of a file that reach the disk independently of each other, below one size, and
// the forms that each can have there.
#pragma once

#include <cstdint>
#include <vector>

#include "model/data_timelines.h"
#include "model/profile.h"
#include "model/space.h"
#include "model/sums.h"

namespace oldornew {

/// Weights: how far something is from "nothing lost".
inline constexpr uint32_t kLostWeight = 2;
inline constexpr uint32_t kTornWeight = 3;

/// One form a data unit can have on disk.
struct UnitOption {
  enum class Form : uint8_t { kVersion, kTorn, kPattern };
  Form form = Form::kVersion;
  uint32_t version = 0;  ///< index as in PageLife: 0 = base. kTorn: sectors of this over `under`
  uint32_t under = 0;
  uint32_t sectors = 0;  ///< kTorn: bit k = sector k of the torn page has the new version
  uint32_t weight = 0;
  Position pos = 0;  ///< latest position that has to have happened
  Sum key;           ///< of the unit's pages in this form
};

/// Pages that always share their fate.
struct Unit {
  std::vector<uint64_t> pages;
  /// index into FileHistory::pages; SIZE_MAX with META_ORDER=none, where a page is one cell through
  /// all lives
  size_t life = 0;
  std::vector<UnitOption> options;  ///< options[0] has weight 0
  uint32_t max_weight = 0;
};

/// One size the file can have, with the units below it.
struct SizeChoice {
  uint64_t size = 0;
  uint32_t weight = 0;
  Position pos = 0;
  std::vector<Unit> units;
  Sum default_key;  ///< size, untouched pages and every unit's options[0]
  uint32_t max_weight = 0;
};

/// Which versions of a unit's pages can be on disk.
struct VersionRange {
  uint32_t low = 0, high = 0;
  uint32_t usual = 0;  ///< the one of "nothing lost"
  bool torn = false, pattern = false;
  Position pattern_pos = 0;  ///< that has to have happened for the pattern to show
  bool operator==(const VersionRange&) const = default;
};

/// One page of a unit as it reads in this form, in a file of this size. `object` seeds the pattern
/// of stale pages.
PageRef RenderPage(const FileHistory& file, ObjectId object, const Unit& unit,
                   const UnitOption& option, uint64_t page, uint64_t size);

/// Fills in the options of the units below one size.
class UnitOptions {
 public:
  /// Positions up to `cut` do not count for UnitOption::pos: what is within the cut has its
  /// metadata's time, and only data that ran ahead of it moves the crash point.
  UnitOptions(const FileHistory& file, ObjectId object, const Profile& profile, Grain grain,
              Position cut)
      : file_(file), object_(object), p_(profile), grain_(grain), cut_(cut) {}

  /// `life`: the one of the unit's pages. `fresh`: see Flatten; empty on other rows.
  void Add(Unit* unit, const PageLife& life, const VersionRange& range,
           const std::vector<uint32_t>& fresh, uint64_t size) const;
  /// Sums up a choice whose units have all their options.
  void Finish(SizeChoice* choice) const;

 private:
  void AddOption(Unit* unit, UnitOption option, uint64_t size) const;
  void AddFresh(Unit* unit, const PageLife& life, const VersionRange& range,
                const std::vector<uint32_t>& fresh, uint64_t size) const;
  Position PosOf(const PageLife& life, uint32_t version) const;
  std::vector<uint32_t> TearsOf(const Unit& unit, const PageLife& life, uint32_t version) const;

  const FileHistory& file_;
  const ObjectId object_;
  const Profile& p_;
  const Grain grain_;
  const Position cut_;
};

}  // namespace oldornew
