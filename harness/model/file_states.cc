#include "model/file_states.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/check.h"
#include "model/file_sizes.h"
#include "model/stale.h"

namespace oldornew {
namespace {

constexpr uint32_t kLost = 2;
constexpr uint64_t kSizeSalt = 0x512e;
constexpr uint32_t kTornWeight = 3;
constexpr uint64_t kSectorSize = 512;
constexpr uint32_t kSectors = kPageSize / kSectorSize;

uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  return x ^ (x >> 32);
}

const PageRef& PageOf(const PageLife& life, uint32_t version) {
  return version == 0 ? life.base : life.versions[version - 1].page;
}

std::string_view BytesOf(const PageRef& page) {
  static constexpr char kZeros[kPageSize] = {};
  return page == nullptr ? std::string_view(kZeros, kPageSize) : page->bytes();
}

// Bit k: sector k of the two pages differs.
uint32_t DifferingSectors(const PageRef& a, const PageRef& b) {
  uint32_t mask = 0;
  for (uint32_t k = 0; k < kSectors; ++k) {
    if (BytesOf(a).substr(k * kSectorSize, kSectorSize) !=
        BytesOf(b).substr(k * kSectorSize, kSectorSize)) {
      mask |= 1u << k;
    }
  }
  return mask;
}

// The torn forms worth telling apart, as sets of sectors that have the new version.
std::vector<uint32_t> TornMasks(uint32_t differing, Grain grain) {
  std::vector<uint32_t> bits;
  for (uint32_t k = 0; k < kSectors; ++k) {
    if (differing & (1u << k)) bits.push_back(1u << k);
  }
  std::vector<uint32_t> masks;
  if (bits.size() < 2) return masks;  // one sector is written whole or not at all
  uint32_t prefix = 0;
  for (size_t k = 0; k < bits.size() / 2; ++k) prefix |= bits[k];
  if (grain != Grain::kSector) return {prefix};
  prefix = 0;
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

// The page as it reads in a file of this size.
PageRef Cut(const PageRef& page, uint64_t index, uint64_t size) {
  if (page == nullptr || (index + 1) * kPageSize <= size) return page;
  if (index * kPageSize >= size) return nullptr;
  const uint64_t keep = size - index * kPageSize;
  const std::string_view tail = page->bytes().substr(keep);
  if (std::all_of(tail.begin(), tail.end(), [](char c) { return c == '\0'; })) return page;
  return MakePage(page->bytes().substr(0, keep));
}

// On posix rows a page is one cell through all its lives (7.6.6): its values in order of time, as
// one life. `fresh` gets the indices of values that are a block in which nothing of this file has
// landed.
PageLife Flatten(const std::vector<PageLife>& lives, std::vector<uint32_t>* fresh) {
  PageLife flat;
  flat.mapped = true;
  for (size_t i = 0; i < lives.size(); ++i) {
    const PageLife& life = lives[i];
    if (i == 0 && life.mapped && life.born == 0) {
      flat.base = life.base;
    } else if (i == 0) {
      fresh->push_back(0);
    }
    if (life.mapped && life.born > 0) flat.versions.push_back({life.born, 0, life.base, 0, true});
    for (const PageVersion& version : life.versions) flat.versions.push_back(version);
    if (life.dies != kNeverDies) {
      flat.versions.push_back({life.dies, 0, nullptr, 0, true});
      fresh->push_back(static_cast<uint32_t>(flat.versions.size()));
    }
  }
  return flat;
}

bool Same(const std::vector<PageVersion>& a, const std::vector<PageVersion>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const PageVersion& x, const PageVersion& y) { return x.pos == y.pos; });
}

}  // namespace

uint64_t SaturatingMultiply(uint64_t a, uint64_t b) {
  uint64_t out;
  return __builtin_mul_overflow(a, b, &out) ? UINT64_MAX : out;
}

uint64_t SaturatingAdd(uint64_t a, uint64_t b) {
  uint64_t out;
  return __builtin_add_overflow(a, b, &out) ? UINT64_MAX : out;
}

Sum MixDigest(const Digest& digest, uint64_t salt) {
  return {Mix(digest.high ^ Mix(salt + 0x9e3779b97f4a7c15u)),
          Mix(digest.low + Mix(salt ^ 0xc2b2ae3d27d4eb4fu))};
}

Sum ContentSum(const Content& content) {
  Sum sum = MixDigest({content.size(), 1}, kSizeSalt);
  for (uint64_t page = 0; page < content.pages().size(); ++page) {
    const PageRef& ref = content.pages()[page];
    if (ref != nullptr) sum += MixDigest(ref->digest(), page);
  }
  return sum;
}

DomainKey KeyOf(const FileHistory& file, ObjectId object, const FileQuery& query) {
  auto last = [&](Position pos) {
    auto after = std::upper_bound(file.events.begin(), file.events.end(), pos);
    return after == file.events.begin() ? Position{0} : *std::prev(after);
  };
  uint32_t forces = 0;
  for (const DataForce& force : file.forces) forces += force.segment <= query.segment;
  return {object, last(query.cut), last(query.horizon), forces};
}

// Works out the units below each size; which sizes there are is file_sizes.h's part.
class FileDomainBuilder {
 public:
  FileDomainBuilder(FileDomain* domain, const Profile& profile, Grain grain)
      : d_(*domain),
        file_(domain->file_),
        p_(profile),
        q_(domain->query_),
        grain_(grain),
        rules_(domain->file_, profile, domain->query_) {}

  void Build() {
    d_.independent_cells_ = p_.meta_order == MetaOrder::kNone;
    if (d_.independent_cells_) {
      BuildCells();
      return;
    }
    const std::vector<SizeCandidate> candidates = rules_.Candidates();
    d_.complete_ = rules_.complete();
    for (size_t i = 0; i < candidates.size(); ++i) {
      SizeChoice choice;
      choice.size = candidates[i].size;
      choice.weight = i == 0 ? 0 : kLost;
      AddUnits(&choice, rules_.Required(candidates[i]));
      d_.sizes_.push_back(std::move(choice));
    }
  }

 private:
  struct Range {
    uint32_t low = 0, high = 0, usual = 0;
    bool torn = false, pattern = false;
    Position pattern_pos = 0;  // that has to have happened for the pattern to show
    bool operator==(const Range&) const = default;
  };

  // Truncation zeroes the tail page; which side of that may be alone on disk is the TRUNC rule
  // (7.6.9).
  void ApplyZeroTails(const PageLife& life, Range* range) const {
    for (uint32_t v = 1; v <= life.versions.size(); ++v) {
      const PageVersion& version = life.versions[v - 1];
      if (!version.zero_tail) continue;
      if (version.pos > q_.cut) {
        const bool zeros_alone = p_.trunc == TruncRule::kTorn || p_.trunc == TruncRule::kUnordered;
        if (!zeros_alone) range->high = std::min(range->high, v - 1);
        return;
      }
      const bool floats =
          !life.mapped && range->low == 0 && !rules_.after_io() && !rules_.fixed_at_write();
      const bool size_implies = p_.trunc == TruncRule::kTorn || p_.trunc == TruncRule::kAtomic;
      if (size_implies && !floats) range->low = std::max(range->low, v);
    }
  }

  // Which versions of a page can be on disk (7.6.8).
  Range RangeOf(uint64_t page, const PageLife& life,
                const std::map<uint64_t, Position>& required) const {
    Range range;
    const bool at_commit = p_.delalloc == Delalloc::kNotAtCommit;
    const bool through_metadata = p_.overwrite != Overwrite::kInPlace || at_commit;
    range.high = VersionAt(life, through_metadata ? q_.cut : q_.horizon);
    range.low = VersionAt(life, rules_.Forced(page));
    ApplyZeroTails(life, &range);
    if (auto found = required.find(page); found != required.end()) {
      range.low = std::max(range.low, VersionAt(life, found->second));
    }
    if (!life.mapped) {
      range.low = std::max(range.low, VersionAt(life, rules_.waited()));
      if (rules_.after_io()) range.low = std::max(range.low, VersionAt(life, rules_.epoch()));
      if (p_.delalloc == Delalloc::kNo && p_.new_data == NewData::kOrdered)
        range.low = std::max(range.low, 1u);
    }
    if (p_.overwrite == Overwrite::kJournal || at_commit) {
      range.low = std::max(range.low, VersionAt(life, q_.cut));
    }
    if (!p_.rules.Has(Rule::kPageOrder)) range.low = 0;
    range.low = std::min(range.low, range.high);
    range.usual = std::clamp(VersionAt(life, q_.cut), range.low, range.high);
    range.torn = !through_metadata && p_.rules.Has(Rule::kTorn);
    const bool new_block = !life.mapped && range.low == 0 && p_.new_data == NewData::kStale;
    // REUSE: freed in memory, not yet on disk.
    const bool reused = p_.reuse == Reuse::kAtOnce && life.dies > q_.cut && life.dies <= q_.horizon;
    range.pattern = (new_block || reused) && p_.rules.Has(Rule::kStalePattern);
    if (!new_block && reused) range.pattern_pos = life.dies;
    return range;
  }

  void AddUnits(SizeChoice* choice, const std::map<uint64_t, Position>& required) {
    const uint64_t page_count = (choice->size + kPageSize - 1) / kPageSize;
    std::vector<Range> ranges;
    const PageLife* last = nullptr;
    for (const auto& [page, lives] : file_.pages) {
      if (page >= page_count) break;
      for (size_t i = 0; i < lives.size(); ++i) {
        const PageLife& life = lives[i];
        if (!life.Alive(q_.cut)) continue;
        const Range range = RangeOf(page, life, required);
        const bool joins =
            grain_ == Grain::kCall && last != nullptr && choice->units.back().life == i &&
            choice->units.back().pages.back() + 1 == page && range == ranges.back() &&
            life.mapped == last->mapped && Same(life.versions, last->versions);
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
      AddOptions(&unit, file_.pages.at(unit.pages[0])[unit.life], ranges[i], {}, choice->size);
    }
    Finish(choice);
  }

  void AddOptions(Unit* unit, const PageLife& life, const Range& range,
                  const std::vector<uint32_t>& fresh, uint64_t size) {
    // What is within the cut has its metadata's time; only data that ran ahead of it moves the
    // crash point.
    auto pos_of = [&](uint32_t version) {
      const Position pos = version == 0 ? 0 : life.versions[version - 1].pos;
      return d_.independent_cells_ || pos > q_.cut ? pos : 0;
    };
    auto add = [&](UnitOption option) {
      for (uint64_t page : unit->pages) {
        const PageRef ref = d_.RenderPage(*unit, option, page, size);
        if (ref != nullptr) option.key += MixDigest(ref->digest(), page);
      }
      unit->max_weight = std::max(unit->max_weight, option.weight);
      unit->options.push_back(option);
    };
    using Form = UnitOption::Form;
    add({Form::kVersion, range.usual, 0, 0, 0, pos_of(range.usual), {}});
    for (uint32_t v = range.high + 1; v-- > range.low;) {
      if (v != range.usual) add({Form::kVersion, v, 0, 0, kLost, pos_of(v), {}});
    }
    for (uint32_t v = range.high; range.torn && v > range.low; --v) {
      const bool on_block = v > 1 || life.mapped || p_.new_data == NewData::kStale;
      if (!on_block) continue;  // an unwritten extent reads as zeros until its I/O is done
      for (uint32_t mask : TearsOf(*unit, life, v)) {
        add({Form::kTorn, v, v - 1, mask, kTornWeight, pos_of(v), {}});
      }
    }
    if (range.pattern) add({Form::kPattern, 0, 0, 0, kTornWeight, range.pattern_pos, {}});
    for (uint32_t v : fresh) {
      if (!p_.rules.Has(Rule::kStalePattern)) break;
      // From when the page was dropped its block may hold anything; a page that never was is a hole
      // until the first write to it.
      const bool dropped = v > range.low && v <= range.high;
      if (!dropped && (v < range.low || v >= range.high)) continue;
      add({Form::kPattern, v, 0, 0, kTornWeight, pos_of(dropped ? v : v + 1), {}});
      break;
    }
  }

  std::vector<uint32_t> TearsOf(const Unit& unit, const PageLife& life, uint32_t version) const {
    const uint64_t middle = unit.pages[unit.pages.size() / 2];
    PageLife flat;
    if (d_.independent_cells_) {
      std::vector<uint32_t> ignored;
      flat = unit.pages.size() == 1 ? life : Flatten(file_.pages.at(middle), &ignored);
    }
    const PageLife& there = d_.independent_cells_ ? flat : file_.pages.at(middle)[unit.life];
    const uint32_t differing = DifferingSectors(PageOf(there, version - 1), PageOf(there, version));
    std::vector<uint32_t> masks = TornMasks(differing, grain_);
    if (masks.empty() && unit.pages.size() > 1) masks = {0};
    return masks;
  }

  void Finish(SizeChoice* choice) {
    const uint64_t page_count = (choice->size + kPageSize - 1) / kPageSize;
    choice->default_key += MixDigest({choice->size, 1}, kSizeSalt);
    const auto& base = file_.base.pages();
    for (uint64_t page = 0; page < std::min<uint64_t>(page_count, base.size()); ++page) {
      if (base[page] == nullptr || file_.pages.count(page)) continue;
      const PageRef ref = Cut(base[page], page, choice->size);
      if (ref != nullptr) choice->default_key += MixDigest(ref->digest(), page);
    }
    choice->max_weight = choice->weight;
    for (const Unit& unit : choice->units) {
      choice->default_key += unit.options[0].key;
      choice->max_weight += unit.max_weight;
    }
  }

  // posix: the size and every page hold any value since they were last forced, each on its own
  // (7.6.6).
  void BuildCells() {
    const Position forced = rules_.ForcedSizeCell();
    const auto& sizes = file_.live_size;
    size_t low = 0, high = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i].first <= forced) low = i;
      if (sizes[i].first <= q_.horizon) high = i;
    }
    std::vector<std::pair<uint64_t, Position>> values;
    for (size_t i = high + 1; i-- > low;) values.emplace_back(sizes[i].second, sizes[i].first);
    // A size goes to disk with a block: it may stop at any write, and reach to the end of its block
    // where the file was grown beyond by then. Only between sizes the file had: an overwrite does
    // not change the size.
    const std::vector<std::pair<uint64_t, Position>> had = values;
    auto offer = [&](uint64_t size, Position pos) {
      Position below = UINT32_MAX,
               above = UINT32_MAX;  // since when the file had a smaller one, and a larger one
      for (const auto& [value, since] : had) {
        if (value < size) below = std::min(below, since);
        if (value > size) above = std::min(above, since);
      }
      if (below == UINT32_MAX || above == UINT32_MAX) return;
      values.emplace_back(size, std::max({pos, below, above}));
    };
    for (const WriteStep& step : file_.writes) {
      if (step.pos <= forced || step.pos > q_.horizon || !p_.rules.Has(Rule::kCellsSizes)) continue;
      offer(step.end, step.pos);
      const uint64_t whole = (step.end + kPageSize - 1) / kPageSize * kPageSize;
      for (const auto& [pos, live] : sizes) {
        if (pos <= q_.horizon && live > step.end)
          offer(std::min(whole, live), std::max(pos, step.pos));
      }
    }
    for (size_t i = 0; i < values.size(); ++i) {
      const bool again = std::any_of(
          values.begin(), values.begin() + static_cast<std::ptrdiff_t>(i), [&](const auto& v) {
            return v.first == values[i].first && v.second <= values[i].second;
          });
      if (again) continue;
      SizeChoice choice;
      choice.size = values[i].first;
      choice.weight = i == 0 ? 0 : kLost;
      choice.pos = values[i].second;
      AddCells(&choice);
      d_.sizes_.push_back(std::move(choice));
    }
  }

  void AddCells(SizeChoice* choice) {
    const uint64_t page_count = (choice->size + kPageSize - 1) / kPageSize;
    std::vector<std::pair<PageLife, std::vector<uint32_t>>> flats;
    std::vector<Range> ranges;
    for (const auto& [page, lives] : file_.pages) {
      if (page >= page_count) break;
      if (lives.empty()) continue;
      std::vector<uint32_t> fresh;
      PageLife flat = Flatten(lives, &fresh);
      Range range;
      range.low = VersionAt(flat, rules_.Forced(page));
      range.high = range.usual = VersionAt(flat, q_.horizon);
      range.torn = p_.rules.Has(Rule::kTorn);
      const bool joins = grain_ == Grain::kCall && !choice->units.empty() &&
                         choice->units.back().pages.back() + 1 == page && range == ranges.back() &&
                         fresh == flats.back().second &&
                         Same(flat.versions, flats.back().first.versions);
      if (!joins) {
        choice->units.emplace_back().life = SIZE_MAX;
        flats.emplace_back(std::move(flat), std::move(fresh));
        ranges.push_back(range);
      }
      choice->units.back().pages.push_back(page);
    }
    for (size_t i = 0; i < choice->units.size(); ++i) {
      AddOptions(&choice->units[i], flats[i].first, ranges[i], flats[i].second, choice->size);
    }
    Finish(choice);
  }

  FileDomain& d_;
  const FileHistory& file_;
  const Profile& p_;
  const FileQuery& q_;
  Grain grain_;
  SizeRules rules_;
};

FileDomain::FileDomain(const FileHistory& file, ObjectId object, const Profile& profile,
                       const FileQuery& query, Grain grain)
    : file_(file), object_(object), query_(query) {
  FileDomainBuilder(this, profile, grain).Build();
  for (const SizeChoice& size : sizes_) {
    uint64_t product = 1;
    for (const Unit& unit : size.units) product = SaturatingMultiply(product, unit.options.size());
    total_ = SaturatingAdd(total_, product);
  }
}

// Works out key, weight and position from the size and the units that deviate.
ContentChoice FileDomain::Finish(ContentChoice choice) const {
  const SizeChoice& size = sizes_[choice.size];
  choice.weight = size.weight;
  choice.key = size.default_key;
  choice.pos = size.pos;
  auto deviation = choice.deviating.begin();
  for (uint32_t u = 0; u < size.units.size(); ++u) {
    const Unit& unit = size.units[u];
    const UnitOption* option = &unit.options[0];
    if (deviation != choice.deviating.end() && deviation->first == u) {
      option = &unit.options[(deviation++)->second];
      choice.key -= unit.options[0].key;
      choice.key += option->key;
      choice.weight += option->weight;
    }
    choice.pos = std::max(choice.pos, option->pos);
  }
  return choice;
}

std::optional<uint32_t> FileDomain::Find(
    uint32_t size, const std::vector<std::pair<uint32_t, uint32_t>>& deviating) const {
  if (size >= sizes_.size()) return std::nullopt;
  for (auto [unit, option] : deviating) {
    if (unit >= sizes_[size].units.size() || option >= sizes_[size].units[unit].options.size())
      return std::nullopt;
  }
  for (uint32_t i = 0; i < choices_.size(); ++i) {
    if (choices_[i].size == size && choices_[i].deviating == deviating) return i;
  }
  ContentChoice choice;
  choice.size = size;
  choice.deviating = deviating;
  choices_.push_back(Finish(std::move(choice)));
  return static_cast<uint32_t>(choices_.size() - 1);
}

// Lists the choices of one size that have exactly `weight`: picks the next unit that deviates until
// the weight is used up.
void FileDomain::ListSize(uint32_t size_index, uint32_t weight, uint64_t limit) {
  const SizeChoice& size = sizes_[size_index];
  std::vector<uint32_t> open;  // units that have a choice
  for (uint32_t u = 0; u < size.units.size(); ++u) {
    if (size.units[u].options.size() > 1) open.push_back(u);
  }
  ContentChoice choice;
  choice.size = size_index;
  auto pick = [&](auto&& self, size_t from, uint32_t left) -> void {
    if (choices_.size() >= limit) return;
    if (left == 0) {
      choices_.push_back(Finish(choice));
      return;
    }
    for (size_t i = from; i < open.size(); ++i) {
      const Unit& unit = size.units[open[i]];
      for (uint32_t o = 1; o < unit.options.size(); ++o) {
        if (unit.options[o].weight > left) continue;
        choice.deviating.emplace_back(open[i], o);
        self(self, i + 1, left - unit.options[o].weight);
        choice.deviating.pop_back();
      }
    }
  };
  pick(pick, 0, weight - size.weight);
}

void FileDomain::List(uint64_t limit) {
  if (!choices_.empty()) return;
  uint32_t heaviest = 0;
  for (const SizeChoice& size : sizes_) heaviest = std::max(heaviest, size.max_weight);
  for (uint32_t weight = 0; weight <= heaviest && choices_.size() < total_; ++weight) {
    for (uint32_t s = 0; s < sizes_.size(); ++s) {
      if (sizes_[s].weight > weight || sizes_[s].max_weight < weight) continue;
      ListSize(s, weight, limit);
      if (choices_.size() >= limit && choices_.size() < total_) {
        complete_ = false;
        return;
      }
    }
  }
}

PageRef FileDomain::RenderPage(const Unit& unit, const UnitOption& option, uint64_t page,
                               uint64_t size) const {
  if (option.form == UnitOption::Form::kPattern)
    return Cut(StalePage(static_cast<uint64_t>(object_), page), page, size);
  const auto& lives = file_.pages.at(page);
  PageLife flat;
  if (unit.life == SIZE_MAX) {
    std::vector<uint32_t> fresh;
    flat = Flatten(lives, &fresh);
  }
  const PageLife& life = unit.life == SIZE_MAX ? flat : lives[unit.life];
  PageRef ref = PageOf(life, option.version);
  if (option.form == UnitOption::Form::kTorn) {
    // A unit of several pages is torn in its middle page: all new before it, all old after it.
    const uint64_t middle = unit.pages[unit.pages.size() / 2];
    if (page > middle) ref = PageOf(life, option.under);
    if (page == middle) ref = TornPage(PageOf(life, option.under), ref, option.sectors);
  }
  return Cut(ref, page, size);
}

Content FileDomain::Render(const ContentChoice& choice) const {
  const SizeChoice& size = sizes_[choice.size];
  const uint64_t page_count = (size.size + kPageSize - 1) / kPageSize;
  std::vector<PageRef> pages(page_count);
  const auto& base = file_.base.pages();
  for (uint64_t page = 0; page < std::min<uint64_t>(page_count, base.size()); ++page) {
    if (!file_.pages.count(page)) pages[page] = base[page];
  }
  auto deviation = choice.deviating.begin();
  for (uint32_t u = 0; u < size.units.size(); ++u) {
    const Unit& unit = size.units[u];
    uint32_t option = 0;
    if (deviation != choice.deviating.end() && deviation->first == u)
      option = (deviation++)->second;
    for (uint64_t page : unit.pages)
      pages[page] = RenderPage(unit, unit.options[option], page, size.size);
  }
  return Content::FromPages(std::move(pages), size.size);
}

int FileDomain::Landed(const UnitOption& option, uint32_t version) {
  switch (option.form) {
    case UnitOption::Form::kPattern:
      return 0;
    case UnitOption::Form::kTorn:
      return version <= option.under ? 2 : version <= option.version ? 1 : 0;
    case UnitOption::Form::kVersion:
      return version <= option.version ? 2 : 0;
  }
  return 0;
}

void FileDomain::ForEachPageEffect(
    const ContentChoice& choice, Position horizon,
    const std::function<void(uint32_t, uint64_t, int)>& visit) const {
  const SizeChoice& size = sizes_[choice.size];
  std::map<uint64_t, std::pair<const Unit*, const UnitOption*>> shown;
  for (const Unit& unit : size.units) {
    for (uint64_t page : unit.pages) shown[page] = {&unit, &unit.options[0]};
  }
  for (auto [u, o] : choice.deviating) {
    for (uint64_t page : size.units[u].pages) shown[page].second = &size.units[u].options[o];
  }
  for (const auto& [page, lives] : file_.pages) {
    const auto entry = shown.find(page);
    uint32_t before = 0;  // posix: values of the cell before this life's first version
    for (size_t i = 0; i < lives.size(); ++i) {
      const PageLife& life = lives[i];
      before += independent_cells_ && life.mapped && life.born > 0;
      const bool here =
          entry != shown.end() && (independent_cells_ || entry->second.first->life == i);
      for (uint32_t v = 1; v <= life.versions.size(); ++v) {
        const PageVersion& version = life.versions[v - 1];
        if (version.pos > horizon) break;
        int landed = here ? Landed(*entry->second.second, before + v) : 0;
        if (here && landed == 2 && version.end > size.size) landed = 1;
        // dropped on disk: nothing to miss
        if (!independent_cells_ && life.dies <= query_.cut) landed = 2;
        visit(version.op, page, landed);
      }
      before += static_cast<uint32_t>(life.versions.size()) + (life.dies != kNeverDies);
    }
  }
}

}  // namespace oldornew
