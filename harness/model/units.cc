#include "model/units.h"

#include <algorithm>

#include "model/page_forms.h"
#include "model/stale.h"

namespace oldornew {
namespace {

using Form = UnitOption::Form;

bool IsCell(const Unit& unit) { return unit.life == SIZE_MAX; }

}  // namespace

PageRef RenderPage(const FileHistory& file, ObjectId object, const Unit& unit,
                   const UnitOption& option, uint64_t page, uint64_t size) {
  if (option.form == Form::kPattern)
    return CutToSize(StalePage(static_cast<uint64_t>(object), page), page, size);

  const auto& lives = file.pages.at(page);
  PageLife flat;
  if (IsCell(unit)) {
    std::vector<uint32_t> fresh;
    flat = Flatten(lives, &fresh);
  }

  const PageLife& life = IsCell(unit) ? flat : lives[unit.life];

  PageRef ref = PageOf(life, option.version);
  if (option.form == Form::kTorn) {
    // A unit of several pages is torn in its middle page: all new before it, all old after it.
    const uint64_t middle = unit.pages[unit.pages.size() / 2];
    if (page > middle) ref = PageOf(life, option.under);
    if (page == middle) ref = TornPage(PageOf(life, option.under), ref, option.sectors);
  }

  return CutToSize(ref, page, size);
}

Position UnitOptions::PosOf(const PageLife& life, uint32_t version) const {
  const Position pos = version == 0 ? 0 : life.versions[version - 1].pos;
  return pos > cut_ ? pos : 0;
}

void UnitOptions::AddOption(Unit* unit, UnitOption option, uint64_t size) const {
  for (uint64_t page : unit->pages) {
    const PageRef ref = RenderPage(file_, object_, *unit, option, page, size);
    if (ref != nullptr) option.key += MixDigest(ref->digest(), page);
  }

  unit->max_weight = std::max(unit->max_weight, option.weight);
  unit->options.push_back(option);
}

void UnitOptions::Add(Unit* unit, const PageLife& life, const VersionRange& range,
                      const std::vector<uint32_t>& fresh, uint64_t size) const {
  const auto whole = [&](uint32_t version, uint32_t weight) {
    AddOption(unit, {Form::kVersion, version, 0, 0, weight, PosOf(life, version), {}}, size);
  };
  whole(range.usual, 0);
  for (uint32_t v = range.high + 1; v-- > range.low;) {
    if (v != range.usual) whole(v, kLostWeight);
  }

  for (uint32_t v = range.high; range.torn && v > range.low; --v) {
    // An unwritten extent reads as zeros until its I/O is done: only a block can be torn.
    const bool on_block = v > 1 || life.mapped || p_.new_data == NewData::kStale;
    if (!on_block) continue;
    for (uint32_t mask : TearsOf(*unit, life, v)) {
      AddOption(unit, {Form::kTorn, v, v - 1, mask, kTornWeight, PosOf(life, v), {}}, size);
    }
  }

  if (range.pattern)
    AddOption(unit, {Form::kPattern, 0, 0, 0, kTornWeight, range.pattern_pos, {}}, size);
  if (p_.rules.Has(Rule::kStalePattern)) AddFresh(unit, life, range, fresh, size);
}

// The stale pattern of a cell, once, if there was a time when nothing of the file had landed in its
// block.
void UnitOptions::AddFresh(Unit* unit, const PageLife& life, const VersionRange& range,
                           const std::vector<uint32_t>& fresh, uint64_t size) const {
  for (uint32_t v : fresh) {
    // From when the page was dropped its block may hold anything; a page that never was is a hole
    // until the first write to it.
    const bool dropped = v > range.low && v <= range.high;
    if (!dropped && (v < range.low || v >= range.high)) continue;
    const Position pos = PosOf(life, dropped ? v : v + 1);
    AddOption(unit, {Form::kPattern, v, 0, 0, kTornWeight, pos, {}}, size);
    return;
  }
}

std::vector<uint32_t> UnitOptions::TearsOf(const Unit& unit, const PageLife& life,
                                           uint32_t version) const {
  const uint64_t middle = unit.pages[unit.pages.size() / 2];
  PageLife flat;
  if (IsCell(unit)) {
    std::vector<uint32_t> ignored;
    flat = unit.pages.size() == 1 ? life : Flatten(file_.pages.at(middle), &ignored);
  }

  const PageLife& there = IsCell(unit) ? flat : file_.pages.at(middle)[unit.life];

  const uint32_t differing = DifferingSectors(PageOf(there, version - 1), PageOf(there, version));
  std::vector<uint32_t> masks = TornMasks(differing, grain_);
  if (masks.empty() && unit.pages.size() > 1) masks = {0};
  return masks;
}

void UnitOptions::Finish(SizeChoice* choice) const {
  choice->default_key += SizeSum(choice->size);

  // Pages that nothing touched.
  const uint64_t page_count = (choice->size + kPageSize - 1) / kPageSize;
  const auto& base = file_.base.pages();
  for (uint64_t page = 0; page < std::min<uint64_t>(page_count, base.size()); ++page) {
    if (base[page] == nullptr || file_.pages.count(page)) continue;
    const PageRef ref = CutToSize(base[page], page, choice->size);
    if (ref != nullptr) choice->default_key += MixDigest(ref->digest(), page);
  }

  choice->max_weight = choice->weight;
  for (const Unit& unit : choice->units) {
    choice->default_key += unit.options[0].key;
    choice->max_weight += unit.max_weight;
  }
}

}  // namespace oldornew
