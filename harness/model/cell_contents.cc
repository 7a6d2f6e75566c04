#include "model/cell_contents.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "model/forced_data.h"
#include "model/page_forms.h"

namespace oldornew {
namespace {

// A size, and the position at which the file can have it.
using SizeValue = std::pair<uint64_t, Position>;

class Builder {
 public:
  Builder(const FileHistory& file, ObjectId object, const Profile& profile, const FileQuery& query,
          Grain grain)
      : file_(file),
        p_(profile),
        q_(query),
        grain_(grain),
        forced_(file, profile, query.segment),
        options_(file, object, profile, grain, /*cut=*/0) {}

  Contents Build() {
    Contents out;
    const std::vector<SizeValue> values = SizeValues();
    for (size_t i = 0; i < values.size(); ++i) {
      const auto before = values.begin() + static_cast<std::ptrdiff_t>(i);
      const bool again = std::any_of(values.begin(), before, [&](const SizeValue& v) {
        return v.first == values[i].first && v.second <= values[i].second;
      });
      if (again) continue;

      SizeChoice choice;
      choice.size = values[i].first;
      choice.weight = i == 0 ? 0 : kLostWeight;
      choice.pos = values[i].second;
      AddUnits(&choice);
      out.sizes.push_back(std::move(choice));
    }

    return out;
  }

 private:
  // The sizes that the file had since its size was last forced, newest first, then those at which a
  // growing size can stop (rule cells-sizes).
  std::vector<SizeValue> SizeValues() const {
    const Position forced = forced_.SizeCell();
    const auto& live = file_.live_size;
    size_t low = 0, high = 0;
    for (size_t i = 0; i < live.size(); ++i) {
      if (live[i].first <= forced) low = i;
      if (live[i].first <= q_.horizon) high = i;
    }

    std::vector<SizeValue> values;
    for (size_t i = high + 1; i-- > low;) values.emplace_back(live[i].second, live[i].first);
    if (p_.rules.Has(Rule::kCellsSizes)) AddStops(forced, &values);
    return values;
  }

  // A size goes to disk with a block: it may stop at any write, and reach to the end of its block
  // where the file was grown beyond by then.
  void AddStops(Position forced, std::vector<SizeValue>* values) const {
    const std::vector<SizeValue> had = *values;
    for (const WriteStep& step : file_.writes) {
      if (step.pos <= forced || step.pos > q_.horizon) continue;
      OfferStop(had, step.end, step.pos, values);
      const uint64_t whole = (step.end + kPageSize - 1) / kPageSize * kPageSize;
      for (const auto& [pos, live] : file_.live_size) {
        if (pos <= q_.horizon && live > step.end)
          OfferStop(had, std::min(whole, live), std::max(pos, step.pos), values);
      }
    }
  }

  // Only between sizes the file had: an overwrite does not change the size.
  static void OfferStop(const std::vector<SizeValue>& had, uint64_t size, Position pos,
                        std::vector<SizeValue>* values) {
    // since when the file had a smaller one, and a larger one
    Position below = UINT32_MAX, above = UINT32_MAX;
    for (const auto& [value, since] : had) {
      if (value < size) below = std::min(below, since);
      if (value > size) above = std::min(above, since);
    }

    if (below == UINT32_MAX || above == UINT32_MAX) return;
    values->emplace_back(size, std::max({pos, below, above}));
  }

  void AddUnits(SizeChoice* choice) const {
    const uint64_t page_count = (choice->size + kPageSize - 1) / kPageSize;
    std::vector<std::pair<PageLife, std::vector<uint32_t>>> flats;  // by unit: see Flatten
    std::vector<VersionRange> ranges;
    for (const auto& [page, lives] : file_.pages) {
      if (page >= page_count) break;
      if (lives.empty()) continue;
      std::vector<uint32_t> fresh;
      PageLife flat = Flatten(lives, &fresh);
      VersionRange range;
      range.low = VersionAt(flat, forced_.OfPage(page));
      range.high = range.usual = VersionAt(flat, q_.horizon);
      range.torn = p_.rules.Has(Rule::kTorn);

      const bool joins = grain_ == Grain::kCall && !choice->units.empty() &&
                         choice->units.back().pages.back() + 1 == page && range == ranges.back() &&
                         fresh == flats.back().second &&
                         ChangeTogether(flat.versions, flats.back().first.versions);
      if (!joins) {
        choice->units.emplace_back().life = SIZE_MAX;
        flats.emplace_back(std::move(flat), std::move(fresh));
        ranges.push_back(range);
      }
      choice->units.back().pages.push_back(page);
    }

    for (size_t i = 0; i < choice->units.size(); ++i) {
      const auto& [flat, fresh] = flats[i];
      options_.Add(&choice->units[i], flat, ranges[i], fresh, choice->size);
    }

    options_.Finish(choice);
  }

  const FileHistory& file_;
  const Profile& p_;
  const FileQuery& q_;
  const Grain grain_;
  const ForcedData forced_;
  const UnitOptions options_;
};

}  // namespace

Contents CellContents(const FileHistory& file, ObjectId object, const Profile& profile,
                      const FileQuery& query, Grain grain) {
  return Builder(file, object, profile, query, grain).Build();
}

}  // namespace oldornew
