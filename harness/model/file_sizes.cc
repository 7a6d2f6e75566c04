#include "model/file_sizes.h"

#include <algorithm>

namespace oldornew {
namespace {

// Sizes times write steps that are worked out before the list is cut short: bounds the time for
// files grown by very many writes.
constexpr uint64_t kMaxSizeWork = 4'000'000;

uint64_t LastPage(const WriteStep& step) { return (step.end - 1) / kPageSize; }

}  // namespace

SizeRules::SizeRules(const FileHistory& file, const Profile& profile, const FileQuery& query)
    : file_(file),
      p_(profile),
      q_(query),
      forced_(file, profile, query.segment),
      epoch_(FindEpoch()),
      live_(file.LiveSize(query.cut)),
      forced_size_(forced_.Size(epoch_.begin, query.cut)) {
  FindPlacements();
}

SizeRules::Epoch SizeRules::FindEpoch() const {
  Epoch epoch;
  epoch.fixed_size = file_.created > q_.cut ? 0 : file_.base.size();
  for (const SizeStep& step : file_.sizes) {
    if (step.pos > q_.cut) break;
    if (step.down) {
      if (p_.rules.Has(Rule::kEpoch)) epoch.begin = step.pos;
      epoch.fixed_size = step.size;
      epoch.grown = 0;
    } else {
      epoch.fixed_size = std::max(epoch.fixed_size, step.size);
      epoch.grown = step.pos;
    }
  }
  return epoch;
}

void SizeRules::FindPlacements() {
  for (const Placement& placement : file_.placements) {
    if (placement.trigger > q_.cut || !p_.rules.Has(Rule::kPlacement)) continue;
    const Writeback rule = placement.at_close ? p_.truncate_close : p_.replace;
    if (rule != Writeback::kNone) placed_ = std::max(placed_, placement.data);
    if (rule == Writeback::kWait) waited_ = std::max(waited_, placement.data);
  }
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

std::vector<SizeCandidate> SizeRules::Candidates() {
  required_anyway_ = RequiredAnyway();
  if (fixed_at_write()) return {{live_, UINT64_MAX, 0}};

  uint64_t least = std::max(epoch_.fixed_size, forced_size_);
  // what the birth of each floating page gives, with all writes to it
  std::map<uint64_t, SizeCandidate> by_page;
  std::vector<SizeCandidate> out;
  for (const WriteStep& step : file_.writes) {
    if (step.pos > epoch_.begin && step.pos <= q_.cut) AddCandidate(step, &least, &by_page, &out);
  }
  for (const auto& [page, candidate] : by_page) {
    out.push_back(candidate);
    if (!p_.rules.Has(Rule::kBlockWhole)) continue;
    out.push_back(candidate);
    out.back().size = std::min((page + 1) * kPageSize, live_);
  }

  Tidy(least, &out);
  out.push_back({least, UINT64_MAX, 0});
  return out;
}

// The sizes that one write can give the file. `least` grows by those that it gives in any case.
void SizeRules::AddCandidate(const WriteStep& step, uint64_t* least,
                             std::map<uint64_t, SizeCandidate>* by_page,
                             std::vector<SizeCandidate>* out) const {
  const uint64_t page = LastPage(step);
  const PageLife* life = LifeAt(page);
  if (life == nullptr) return;
  const Position forced = forced_.OfPage(page);
  const bool allocated = Allocated(*life, forced, step.pos);

  if ((allocated ? p_.tail_append : p_.new_data) == NewData::kAfterIo) {
    if (step.pos <= waited_) *least = std::max(*least, step.end);
    out->push_back({step.end, page, step.pos, true});
    // A page that was still dirty when the file grew beyond it is written with all of its block.
    const bool dirty = forced < step.pos && p_.rules.Has(Rule::kBlockWhole);
    const uint64_t whole_page = std::min((page + 1) * kPageSize, live_);
    if (dirty) out->push_back({whole_page, page, step.pos, true});
    return;
  }

  // An append into an allocated block has a group of its own, at the write.
  const bool fixed = allocated && p_.rules.Has(Rule::kTailIsFixed);
  if (fixed || (placed_ > 0 && placed_ >= life->born)) *least = std::max(*least, step.end);
  if (fixed || forced >= step.pos) return;
  SizeCandidate& newest = (*by_page)[page];
  newest = {std::max(newest.size, step.end), page, life->born, false};
}

// Largest first, each once, and not too many.
void SizeRules::Tidy(uint64_t least, std::vector<SizeCandidate>* out) {
  std::erase_if(*out, [&](const SizeCandidate& c) { return c.size <= least; });

  // Of equal sizes the one that needs the least data.
  std::sort(out->begin(), out->end(), [](const SizeCandidate& a, const SizeCandidate& b) {
    return a.size != b.size ? a.size > b.size : a.pos < b.pos;
  });
  auto same = [](const SizeCandidate& a, const SizeCandidate& b) { return a.size == b.size; };
  out->erase(std::unique(out->begin(), out->end(), same), out->end());

  const uint64_t each = file_.writes.size() + file_.pages.size() + 1;
  if (out->size() <= kMaxSizeWork / each) return;
  out->resize(std::max<size_t>(1, kMaxSizeWork / each));
  complete_ = false;
}

void SizeRules::Require(const WriteStep& step, bool follows_data,
                        std::map<uint64_t, Position>* required) const {
  for (uint64_t page = step.offset / kPageSize; page <= LastPage(step); ++page) {
    const PageLife* life = LifeAt(page);
    if (life == nullptr) continue;
    Position& pos = (*required)[page];
    pos = std::max(pos, follows_data ? step.pos : life->born);
  }
}

// What is there at this cut, whatever size the file has: sizes that waited for their data (rule
// placement), growth by truncate above data that the size follows, and tails whose commit waits.
std::map<uint64_t, Position> SizeRules::RequiredAnyway() const {
  std::map<uint64_t, Position> required;
  if (!p_.rules.Has(Rule::kDataBeforeMetadata)) return required;

  for (const WriteStep& step : file_.writes) {
    if (step.pos <= epoch_.begin || step.pos > q_.cut) continue;
    const PageLife* life = LifeAt(LastPage(step));
    if (life == nullptr) continue;
    const bool allocated = Allocated(*life, forced_.OfPage(LastPage(step)), step.pos);
    const NewData rule = allocated ? p_.tail_append : p_.new_data;

    const bool grown_above = step.extends() && step.pos < epoch_.grown;
    if (rule == NewData::kAfterIo && (step.pos <= waited_ || grown_above))
      Require(step, true, &required);
    if (rule == NewData::kOrdered && allocated && step.extends()) Require(step, true, &required);
    if (rule == NewData::kOrdered && !allocated && placed_ >= life->born)
      Require(step, false, &required);
  }
  return required;
}

std::map<uint64_t, Position> SizeRules::Required(const SizeCandidate& candidate) const {
  std::map<uint64_t, Position> required = required_anyway_;
  if (!p_.rules.Has(Rule::kDataBeforeMetadata)) return required;
  if (candidate.page == UINT64_MAX) return required;
  if (!candidate.follows_data && p_.new_data != NewData::kOrdered) return required;

  Position& own = required[candidate.page];
  own = std::max(own, candidate.pos);
  if (p_.rules.Has(Rule::kBornUpwards)) RequireBelow(candidate, &required);
  return required;
}

// Writeback walks a contiguous dirty range upwards: what lies above is not there before what lies
// below. A hole of a page or more ends the range.
void SizeRules::RequireBelow(const SizeCandidate& candidate,
                             std::map<uint64_t, Position>* required) const {
  for (auto step = file_.writes.rbegin(); step != file_.writes.rend(); ++step) {
    const bool counts = step->pos > epoch_.begin && step->pos <= q_.cut && step->extends() &&
                        step->size_before < candidate.size;
    if (!counts) continue;
    if (step->size_after <= forced_size_) break;

    // A mapped page has its disk block: TAILAPPEND.
    const PageLife* life = LifeAt(LastPage(*step));
    const bool in_place = life != nullptr && life->mapped && p_.tail_append != NewData::kAfterIo;
    if (!in_place && (step->size_after <= candidate.size || !candidate.follows_data))
      Require(*step, candidate.follows_data, required);

    const uint64_t reached = (step->size_before + kPageSize - 1) / kPageSize * kPageSize;
    if (step->offset > reached) break;
  }
}

}  // namespace oldornew
