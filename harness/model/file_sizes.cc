#include "model/file_sizes.h"

#include <algorithm>

namespace oldornew {
namespace {

// Sizes times write steps that are worked out before the list is cut short: bounds the time for
// files grown by very many writes.
constexpr uint64_t kMaxSizeWork = 4'000'000;

}  // namespace

uint32_t VersionAt(const PageLife& life, Position pos) {
  auto after = std::upper_bound(life.versions.begin(), life.versions.end(), pos,
                                [](Position p, const PageVersion& v) { return p < v.pos; });
  return static_cast<uint32_t>(after - life.versions.begin());
}

SizeRules::SizeRules(const FileHistory& file, const Profile& profile, const FileQuery& query)
    : file_(file), p_(profile), q_(query) {
  for (const DataForce& force : file_.forces) {
    const bool counts = !p_.sync_noop && p_.rules.Has(Rule::kForcedData);
    if (counts && force.segment <= q_.segment) forces_.push_back(force);
  }
  if (p_.meta_order != MetaOrder::kNone) FindEpoch();
}

void SizeRules::FindEpoch() {
  fixed_ = file_.created > q_.cut ? 0 : file_.base.size();
  for (const SizeStep& step : file_.sizes) {
    if (step.pos > q_.cut) break;
    if (step.down) {
      if (p_.rules.Has(Rule::kEpoch)) epoch_ = step.pos;
      fixed_ = step.size;
      grown_ = 0;
    } else {
      fixed_ = std::max(fixed_, step.size);
      grown_ = step.pos;
    }
  }
  live_ = file_.LiveSize(q_.cut);
  forced_size_ = ForcedSize();
  for (const Placement& placement : file_.placements) {
    if (placement.trigger > q_.cut || !p_.rules.Has(Rule::kPlacement)) continue;
    const Writeback rule = placement.at_close ? p_.truncate_close : p_.replace;
    if (rule != Writeback::kNone) placed_ = std::max(placed_, placement.data);
    if (rule == Writeback::kWait) waited_ = std::max(waited_, placement.data);
  }
}

Position SizeRules::Forced(uint64_t page, const std::vector<PageLife>& lives) const {
  Position forced = 0;
  Position poisoned = 0;
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
    const bool clean = poisoned != 0 && newest <= poisoned;
    if (!clean || !p_.rules.Has(Rule::kFailedSyncStaysLost)) forced = force.pos;
  }
  return forced;
}

Position SizeRules::Forced(uint64_t page) const {
  auto found = file_.pages.find(page);
  return found == file_.pages.end() ? 0 : Forced(page, found->second);
}

Position SizeRules::ForcedSizeCell() const {
  Position forced = 0;
  for (const DataForce& force : forces_) {
    if (force.failed && !p_.rules.Has(Rule::kFailedSyncStaysLost)) continue;
    if (force.failed) break;  // whatever came after may have found the file clean
    forced = force.pos;
  }
  return forced;
}

bool SizeRules::LostAt(uint64_t page, const std::vector<PageLife>& lives, Position pos) const {
  const Position forced = Forced(page, lives);
  return std::any_of(lives.begin(), lives.end(), [&](const PageLife& life) {
    const uint32_t version = VersionAt(life, pos);
    return version > 0 && life.versions[version - 1].pos > forced;
  });
}

uint64_t SizeRules::ForcedSize() const {
  uint64_t size = 0;
  bool failed = false;
  for (const DataForce& force : forces_) {
    failed = failed || force.failed;
    if (force.failed || force.pos <= epoch_) continue;
    uint64_t reached = file_.LiveSize(std::min(force.pos, q_.cut));
    if (!force.whole()) reached = std::min(reached, force.end);
    for (auto page = file_.pages.begin(); failed && page != file_.pages.end(); ++page) {
      if (!LostAt(page->first, page->second, force.pos)) continue;
      // nothing from a page whose data was lost
      reached = std::min(reached, page->first * kPageSize);
      break;
    }
    size = std::max(size, reached);
  }
  return size;
}

const PageLife* SizeRules::LifeAt(uint64_t page) const {
  auto found = file_.pages.find(page);
  if (found == file_.pages.end()) return nullptr;
  for (const PageLife& life : found->second) {
    if (life.Alive(q_.cut)) return &life;
  }
  return nullptr;
}

// Did the page have its disk block when the write at `pos` came? Then a growing write there is an
// append into the tail (TAILAPPEND), else one into new blocks (NEWDATA).
bool SizeRules::Allocated(const PageLife& life, Position forced, Position pos) const {
  return life.mapped || forced >= life.born || (placed_ >= life.born && pos > placed_);
}

// What becomes of a growing write at `pos` into the page of this life.
NewData SizeRules::RuleOf(const PageLife& life, Position forced, Position pos) const {
  return Allocated(life, forced, pos) ? p_.tail_append : p_.new_data;
}

std::vector<SizeCandidate> SizeRules::Candidates() {
  required_anyway_ = RequiredAnyway();
  if (fixed_at_write()) {
    least_ = live_;
    return {{live_, UINT64_MAX, 0}};
  }
  least_ = std::max(fixed_, forced_size_);
  // what the birth of each floating page gives, with all writes to it
  std::map<uint64_t, SizeCandidate> by_page;
  std::vector<SizeCandidate> out;
  for (const WriteStep& step : file_.writes) {
    if (step.pos <= epoch_ || step.pos > q_.cut) continue;
    const uint64_t page = (step.end - 1) / kPageSize;
    const PageLife* life = LifeAt(page);
    if (life == nullptr) continue;
    // A page that was still dirty when the file grew beyond it is written with all of its block
    // (7.6.1).
    const Position forced = Forced(page);
    const bool dirty = forced < step.pos && p_.rules.Has(Rule::kBlockWhole);
    const uint64_t whole_page = std::min((page + 1) * kPageSize, live_);
    const bool allocated = Allocated(*life, forced, step.pos);
    if (RuleOf(*life, forced, step.pos) == NewData::kAfterIo) {
      if (step.pos <= waited_) least_ = std::max(least_, step.end);
      out.push_back({step.end, page, step.pos, true});
      if (dirty) out.push_back({whole_page, page, step.pos, true});
      continue;
    }
    // TAILAPPEND: a group of its own, at the write (7.6.3).
    const bool fixed = allocated && p_.rules.Has(Rule::kTailIsFixed);
    if (fixed || (placed_ > 0 && placed_ >= life->born)) least_ = std::max(least_, step.end);
    if (fixed || forced >= step.pos) continue;
    SizeCandidate& newest = by_page[page];
    newest = {std::max(newest.size, step.end), page, life->born, false};
  }
  for (const auto& [page, candidate] : by_page) {
    out.push_back(candidate);
    if (!p_.rules.Has(Rule::kBlockWhole)) continue;
    out.push_back(candidate);
    out.back().size = std::min((page + 1) * kPageSize, live_);
  }
  std::erase_if(out, [&](const SizeCandidate& c) { return c.size <= least_; });
  // Of equal sizes the one that needs the least data.
  std::sort(out.begin(), out.end(), [](const SizeCandidate& a, const SizeCandidate& b) {
    return a.size != b.size ? a.size > b.size : a.pos < b.pos;
  });
  auto same = [](const SizeCandidate& a, const SizeCandidate& b) { return a.size == b.size; };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  const uint64_t each = file_.writes.size() + file_.pages.size() + 1;
  if (out.size() > kMaxSizeWork / each) {
    out.resize(std::max<size_t>(1, kMaxSizeWork / each));
    complete_ = false;
  }
  out.push_back({least_, UINT64_MAX, 0});
  return out;
}

void SizeRules::Require(const WriteStep& step, bool follows_data,
                        std::map<uint64_t, Position>* required) const {
  for (uint64_t page = step.offset / kPageSize; page <= (step.end - 1) / kPageSize; ++page) {
    const PageLife* life = LifeAt(page);
    if (life == nullptr) continue;
    Position& pos = (*required)[page];
    pos = std::max(pos, follows_data ? step.pos : life->born);
  }
}

// What is there at this cut, whatever size the file has: sizes that waited for their data (7.6.2),
// growth by truncate above data that the size follows, and tails whose commit waits.
std::map<uint64_t, Position> SizeRules::RequiredAnyway() const {
  std::map<uint64_t, Position> required;
  if (!p_.rules.Has(Rule::kDataBeforeMetadata) || p_.meta_order == MetaOrder::kNone)
    return required;
  for (const WriteStep& step : file_.writes) {
    if (step.pos <= epoch_ || step.pos > q_.cut) continue;
    const uint64_t page = (step.end - 1) / kPageSize;
    const PageLife* life = LifeAt(page);
    if (life == nullptr) continue;
    const Position forced = Forced(page);
    const bool allocated = Allocated(*life, forced, step.pos);
    const NewData rule = RuleOf(*life, forced, step.pos);
    if (rule == NewData::kAfterIo && step.pos <= waited_) Require(step, true, &required);
    if (rule == NewData::kAfterIo && step.extends() && step.pos < grown_)
      Require(step, true, &required);
    if (rule == NewData::kOrdered && allocated && step.extends()) Require(step, true, &required);
    if (rule == NewData::kOrdered && !allocated && placed_ >= life->born)
      Require(step, false, &required);
  }
  return required;
}

std::map<uint64_t, Position> SizeRules::Required(const SizeCandidate& candidate) const {
  std::map<uint64_t, Position> required = required_anyway_;
  if (!p_.rules.Has(Rule::kDataBeforeMetadata) || p_.meta_order == MetaOrder::kNone)
    return required;
  if (candidate.page == UINT64_MAX) return required;
  if (!candidate.follows_data && p_.new_data != NewData::kOrdered) return required;
  Position& own = required[candidate.page];
  own = std::max(own, candidate.pos);
  // Writeback walks a contiguous dirty range upwards: what lies above is not there before what lies
  // below. A hole of a page or more ends the range.
  if (!p_.rules.Has(Rule::kBornUpwards)) return required;
  for (auto step = file_.writes.rbegin(); step != file_.writes.rend(); ++step) {
    if (step->pos <= epoch_ || step->pos > q_.cut || !step->extends() ||
        step->size_before >= candidate.size)
      continue;
    if (step->size_after <= forced_size_) break;
    const PageLife* life = LifeAt((step->end - 1) / kPageSize);
    // A mapped page has its disk block: TAILAPPEND.
    const bool in_place = life != nullptr && life->mapped && p_.tail_append != NewData::kAfterIo;
    if (!in_place && (step->size_after <= candidate.size || !candidate.follows_data))
      Require(*step, candidate.follows_data, &required);
    const uint64_t reached = (step->size_before + kPageSize - 1) / kPageSize * kPageSize;
    if (step->offset > reached) break;
  }
  return required;
}

}  // namespace oldornew
