#include "model/ordered_contents.h"

#include <algorithm>
#include <map>

#include "model/page_forms.h"

namespace oldornew {
namespace {

class Builder {
 public:
  Builder(const FileHistory& file, ObjectId object, const Profile& profile, const FileQuery& query,
          Grain grain)
      : file_(file),
        p_(profile),
        q_(query),
        grain_(grain),
        sizes_(file, profile, query),
        options_(file, object, profile, grain, query.cut) {}

  Contents Build() {
    Contents out;
    const std::vector<SizeCandidate> candidates = sizes_.Candidates();
    out.complete = sizes_.complete();
    for (size_t i = 0; i < candidates.size(); ++i) {
      SizeChoice choice;
      choice.size = candidates[i].size;
      choice.weight = i == 0 ? 0 : kLostWeight;
      AddUnits(&choice, sizes_.Required(candidates[i]));
      out.sizes.push_back(std::move(choice));
    }

    return out;
  }

 private:
  // Pages that can only have the same versions at the same times are one unit, at grain `call`.
  void AddUnits(SizeChoice* choice, const std::map<uint64_t, Position>& required) {
    const uint64_t page_count = (choice->size + kPageSize - 1) / kPageSize;
    std::vector<VersionRange> ranges;
    const PageLife* last = nullptr;
    for (const auto& [page, lives] : file_.pages) {
      if (page >= page_count) break;
      for (size_t i = 0; i < lives.size(); ++i) {
        const PageLife& life = lives[i];
        if (!life.Alive(q_.cut)) continue;
        const VersionRange range = RangeOf(page, life, required);
        const bool joins =
            grain_ == Grain::kCall && last != nullptr && choice->units.back().life == i &&
            choice->units.back().pages.back() + 1 == page && range == ranges.back() &&
            life.mapped == last->mapped && ChangeTogether(life.versions, last->versions);
        if (!joins) {
          choice->units.emplace_back().life = i;
          ranges.push_back(range);
        }

        choice->units.back().pages.push_back(page);
        last = &life;
      }
    }

    for (size_t i = 0; i < choice->units.size(); ++i) {
      Unit& unit = choice->units[i];
      const PageLife& life = file_.pages.at(unit.pages[0])[unit.life];
      options_.Add(&unit, life, ranges[i], {}, choice->size);
    }

    options_.Finish(choice);
  }

  // Which versions of a page can be on disk (rule page-order).
  VersionRange RangeOf(uint64_t page, const PageLife& life,
                       const std::map<uint64_t, Position>& required) const {
    VersionRange range;
    const bool at_commit = p_.delalloc == Delalloc::kNotAtCommit;
    const bool through_metadata = p_.overwrite != Overwrite::kInPlace || at_commit;
    range.high = VersionAt(life, through_metadata ? q_.cut : q_.horizon);

    range.low = VersionAt(life, sizes_.forced().OfPage(page));
    ApplyZeroTails(life, &range);
    if (auto found = required.find(page); found != required.end())
      range.low = std::max(range.low, VersionAt(life, found->second));
    if (!life.mapped) range.low = std::max(range.low, LeastOfNewPage(life));

    // All data before a commit is in it.
    if (p_.overwrite == Overwrite::kJournal || at_commit)
      range.low = std::max(range.low, VersionAt(life, q_.cut));
    if (!p_.rules.Has(Rule::kPageOrder)) range.low = 0;

    range.low = std::min(range.low, range.high);
    range.usual = std::clamp(VersionAt(life, q_.cut), range.low, range.high);
    range.torn = !through_metadata && p_.rules.Has(Rule::kTorn);
    AddPattern(life, &range);
    return range;
  }

  // The least version of a page that got its block in the run, whatever size the file has.
  uint32_t LeastOfNewPage(const PageLife& life) const {
    uint32_t least = VersionAt(life, sizes_.waited());
    if (sizes_.after_io()) least = std::max(least, VersionAt(life, sizes_.epoch()));
    if (p_.delalloc == Delalloc::kNo && p_.new_data == NewData::kOrdered)
      least = std::max(least, 1u);
    return least;
  }

  // Truncation zeroes the tail page; which side of that may be alone on disk is the column TRUNC
  // (rule zero-tail).
  void ApplyZeroTails(const PageLife& life, VersionRange* range) const {
    for (uint32_t v = 1; v <= life.versions.size(); ++v) {
      const PageVersion& version = life.versions[v - 1];
      if (!version.zero_tail) continue;
      if (version.pos > q_.cut) {
        const bool zeros_alone = p_.trunc == TruncRule::kTorn || p_.trunc == TruncRule::kUnordered;
        if (!zeros_alone) range->high = std::min(range->high, v - 1);
        return;
      }

      const bool floats =
          !life.mapped && range->low == 0 && !sizes_.after_io() && !sizes_.fixed_at_write();
      const bool size_implies = p_.trunc == TruncRule::kTorn || p_.trunc == TruncRule::kAtomic;
      if (size_implies && !floats) range->low = std::max(range->low, v);
    }
  }

  // Can the page show stale bytes (rule stale-pattern)?
  void AddPattern(const PageLife& life, VersionRange* range) const {
    const bool new_block = !life.mapped && range->low == 0 && p_.new_data == NewData::kStale;

    // REUSE: freed in memory, not yet on disk.
    const bool reused = p_.reuse == Reuse::kAtOnce && life.dies > q_.cut && life.dies <= q_.horizon;
    range->pattern = (new_block || reused) && p_.rules.Has(Rule::kStalePattern);
    if (!new_block && reused) range->pattern_pos = life.dies;
  }

  const FileHistory& file_;
  const Profile& p_;
  const FileQuery& q_;
  const Grain grain_;
  SizeRules sizes_;
  const UnitOptions options_;
};

}  // namespace

Contents OrderedContents(const FileHistory& file, ObjectId object, const Profile& profile,
                         const FileQuery& query, Grain grain) {
  return Builder(file, object, profile, query, grain).Build();
}

}  // namespace oldornew
