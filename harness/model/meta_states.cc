#include "model/meta_states.h"

#include <algorithm>
#include <map>
#include <optional>

#include "model/fsync_log.h"

namespace oldornew {
namespace {

using Visit = std::function<void(const MetaChoice&)>;

// The choices of rows with META_ORDER=none: every combination of versions of the slots that a walk
// of the projected paths meets.
class CellChoices {
 public:
  CellChoices(const Timeline& timeline, const Profile& profile, const Projection& projection,
              const std::vector<ForcedMetadata>& forced, uint64_t limit, const Visit& visit)
      : t_(timeline),
        p_(profile),
        projection_(projection),
        forced_(forced),
        left_(limit),
        visit_(visit) {}

  // Few lost names first, over all segments, so that a bound leaves out the far ones.
  bool Run() {
    for (size_t lost = 0;; ++lost) {
      more_ = false;
      for (segment_ = 0; segment_ < t_.segments().size(); ++segment_) {
        state_ = MetaState();
        state_.cut = t_.segments()[segment_].end;
        chosen_.clear();
        if (!Descend(lost)) return false;
      }
      if (!more_) return true;
    }
  }

 private:
  // Walks until it meets a slot that has no value yet, gives it each of its values in turn, and
  // walks again. Exactly `lost` slots get another value than their newest; more_ is set when there
  // was one left to lose. Returns false when the limit is reached.
  bool Descend(size_t lost) {
    std::optional<size_t> open;
    const View view = Walk(t_, state_, projection_, [&](size_t slot) -> std::optional<ObjectId> {
      if (!open) open = slot;
      return std::nullopt;
    });
    if (!open) {
      if (!view.valid || lost > 0) return true;
      return Hand();
    }

    const Slot& slot = t_.slots()[*open];
    const size_t newest = slot.IndexAt(t_.segments()[segment_].end);
    for (size_t version = newest + 1; version-- > forced_[segment_].slots[*open];) {
      if (version != newest && lost == 0) {
        more_ = true;
        break;
      }
      if (!MovesWhole(*open, version)) continue;

      chosen_[*open] = version;
      state_.slots[*open] = slot.versions[version].object;
      const bool room = Descend(lost - (version != newest ? 1 : 0));
      chosen_.erase(*open);
      state_.slots.erase(*open);
      if (!room) return false;
    }
    return true;
  }

  // Every slot that the walk met has its value: one choice.
  bool Hand() {
    if (left_ == 0) return false;
    --left_;

    const Segment& segment = t_.segments()[segment_];
    MetaChoice choice;
    choice.id.segment = segment_;
    choice.id.cut = segment.end;
    Position pos = 0;
    for (auto [slot, version] : chosen_) {
      pos = std::max(pos, t_.slots()[slot].versions[version].pos);
      choice.id.slots.emplace_back(slot, version);
      if (version != t_.slots()[slot].IndexAt(segment.end)) choice.weight += 2;
    }
    choice.first_point = t_.PointOf(pos, segment);
    choice.last_point = segment.last_point;
    visit_(choice);
    return true;
  }

  // Renames of directories are whole on these rows too (rule cells-move-directories): does this
  // version fit what was chosen for the other side?
  bool MovesWhole(size_t slot, size_t version) const {
    if (!p_.rules.Has(Rule::kCellsMoveDirectories)) return true;
    for (const Group& group : t_.groups()) {
      if (!group.moves_directory) continue;
      if (std::find(group.slots.begin(), group.slots.end(), slot) == group.slots.end()) continue;
      const bool here = version >= t_.slots()[slot].IndexAt(group.pos);
      for (size_t other : group.slots) {
        const auto found = chosen_.find(other);
        if (found == chosen_.end() || other == slot) continue;
        if (here != (found->second >= t_.slots()[other].IndexAt(group.pos))) return false;
      }
    }
    return true;
  }

  const Timeline& t_;
  const Profile& p_;
  const Projection& projection_;
  const std::vector<ForcedMetadata>& forced_;
  uint64_t left_;
  const Visit& visit_;

  uint32_t segment_ = 0;
  MetaState state_;
  std::map<size_t, size_t> chosen_;  // slot -> version
  bool more_ = false;
};

}  // namespace

MetaStates::MetaStates(const Timeline& timeline, const Profile& profile,
                       const Projection& projection)
    : t_(timeline),
      p_(profile),
      projection_(projection),
      forced_(ForcedBySegment(timeline, profile)) {}

bool MetaStates::Fits(const MetaId& id) const {
  if (id.segment >= t_.segments().size()) return false;
  const Segment& segment = t_.segments()[id.segment];
  const ForcedMetadata& forced = forced_[id.segment];
  if (id.in_flight && (p_.meta_order != MetaOrder::kTxLog || segment.forces >= t_.forces().size()))
    return false;

  if (p_.meta_order != MetaOrder::kNone)
    return id.slots.empty() && id.cut >= forced.cut && id.cut <= segment.end;
  return std::all_of(id.slots.begin(), id.slots.end(), [&](const auto& chosen) {
    return chosen.first < t_.slots().size() && chosen.second >= forced.slots[chosen.first] &&
           chosen.second <= t_.slots()[chosen.first].IndexAt(segment.end);
  });
}

MetaState MetaStates::Expand(const MetaId& id) const {
  MetaState state;
  state.cut = id.cut;
  if (p_.meta_order == MetaOrder::kTxLog && !p_.sync_noop) {
    const size_t log_syncs = t_.segments()[id.segment].forces + (id.in_flight ? 1 : 0);
    ApplyLog(t_, p_, id.cut, log_syncs, &state);
  }

  for (auto [slot, version] : id.slots) {
    const SlotVersion& chosen = t_.slots()[slot].versions[version];
    state.slots[slot] = chosen.object;
    state.slot_pos[slot] = chosen.pos;
  }
  return state;
}

bool MetaStates::ForEach(uint64_t limit, const Visit& visit) const {
  if (p_.meta_order == MetaOrder::kNone)
    return CellChoices(t_, p_, projection_, forced_, limit, visit).Run();

  for (uint32_t s = 0; s < t_.segments().size(); ++s) {
    const Segment& segment = t_.segments()[s];
    const bool log_under_way = p_.meta_order == MetaOrder::kTxLog && !p_.sync_noop &&
                               segment.forces < t_.forces().size() &&
                               !t_.forces()[segment.forces].failed &&
                               p_.rules.Has(Rule::kLogUnderWay);
    for (Position cut = forced_[s].cut; cut <= segment.end; ++cut) {
      MetaChoice choice;
      choice.id.segment = s;
      choice.id.cut = cut;
      choice.first_point = t_.PointOf(cut, segment);
      choice.last_point = segment.last_point;
      visit(choice);

      // The log sync that ends the segment is under way only at its last point.
      if (!log_under_way) continue;
      choice.id.in_flight = true;
      choice.first_point = segment.last_point;
      visit(choice);
    }
  }
  return true;
}

}  // namespace oldornew
