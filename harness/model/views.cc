#include "model/views.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/text.h"

namespace oldornew {

ObjectId MetaState::SlotValue(const Timeline& timeline, size_t slot) const {
  auto found = slots.find(slot);
  return found != slots.end() ? found->second : timeline.slots()[slot].At(cut);
}

Position MetaState::SlotPosition(size_t slot) const {
  auto found = slot_pos.find(slot);
  return found != slot_pos.end() ? found->second : slots.count(slot) ? 0 : cut;
}

bool IsJudgedRoot(const Trace& trace, size_t root) {
  return root >= trace.roots.size() || trace.roots[root].role == RootRole::kJudged;
}

namespace {

class Walker {
 public:
  Walker(const Timeline& timeline, const MetaState& state,
         const std::function<std::optional<ObjectId>(size_t)>& choose)
      : t_(timeline), trace_(timeline.trace()), state_(state), choose_(choose) {}

  View Run(const Projection& projection) {
    const auto& roots = trace_.old_tree.roots();
    for (size_t root = 0; root < roots.size() && view_.valid; ++root) {
      if (!IsJudgedRoot(trace_, root)) continue;
      if (trace_.objects[static_cast<size_t>(roots[root])].disk.dev != t_.device()) continue;
      root_ = root;
      seen_.clear();
      if (std::find(projection.paths.begin(), projection.paths.end(), "") !=
          projection.paths.end()) {
        Everything("", roots[root], -1);
        continue;
      }
      Add("", roots[root], -1, false);
      for (const std::string& path : projection.paths) Follow(path);
    }
    return std::move(view_);
  }

 private:
  // What `name` in directory `dir` holds, and through which changed slot.
  std::pair<ObjectId, int32_t> Entry(ObjectId dir, const std::string& name) {
    if (const auto* changed = t_.SlotsOf(dir)) {
      if (auto slot = changed->find(name); slot != changed->end()) {
        return {Value(slot->second), static_cast<int32_t>(slot->second)};
      }
    }
    if (static_cast<size_t>(dir) < trace_.old_tree.size()) {
      const auto& entries = trace_.old_tree.at(dir).entries;
      if (auto old = entries.find(name); old != entries.end()) return {old->second, -1};
    }
    return {kNoObject, -1};
  }

  ObjectId Value(size_t slot) {
    view_.slots.push_back(slot);
    if (choose_ && !state_.slots.count(slot)) {
      const std::optional<ObjectId> value = choose_(slot);
      if (!value) view_.valid = false;
      return value.value_or(kNoObject);
    }
    return state_.SlotValue(t_, slot);
  }

  FileKind KindOf(ObjectId object) const {
    return trace_.objects[static_cast<size_t>(object)].kind;
  }

  bool Add(const std::string& path, ObjectId object, int32_t slot, bool projected) {
    ViewNode node;
    node.root = root_;
    node.path = path;
    node.object = object;
    node.slot = slot;
    node.projected = projected;
    view_.nodes.push_back(std::move(node));
    return true;
  }

  void Follow(const std::string& path) {
    ObjectId at = trace_.old_tree.roots()[root_];
    std::string walked;
    const std::vector<std::string> parts = Split(path, '/');
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty() || parts[i] == ".") continue;
      if (KindOf(at) != FileKind::kDirectory) return;
      const auto [object, slot] = Entry(at, parts[i]);
      if (object == kNoObject || !view_.valid) return;
      walked = JoinPath(walked, parts[i]);
      at = object;
      if (i + 1 == parts.size()) {
        Everything(walked, object, slot);
        return;
      }
      if (on_the_way_.insert({root_, walked}).second) Add(walked, object, slot, false);
    }
  }

  void Everything(const std::string& path, ObjectId object, int32_t slot) {
    if (!view_.valid) return;
    const size_t index = view_.nodes.size();
    Add(path, object, slot, true);
    if (KindOf(object) != FileKind::kDirectory) return;
    if (!seen_.insert(object).second) {
      view_.valid = false;  // two parents, or a cycle: no such state is generated (7.6.7)
      return;
    }
    if (t_.Quiet(object)) {
      view_.nodes[index].quiet = true;
      return;
    }
    std::map<std::string, std::pair<ObjectId, int32_t>> children;
    if (static_cast<size_t>(object) < trace_.old_tree.size()) {
      view_.nodes[index].bundle = true;
      for (const auto& [name, child] : t_.Lively(object)) children[name] = {child, -1};
    }
    if (const auto* changed = t_.SlotsOf(object)) {
      for (const auto& [name, changed_slot] : *changed) {
        children[name] = {Value(changed_slot), static_cast<int32_t>(changed_slot)};
        if (!view_.valid) return;
      }
    }
    for (const auto& [name, child] : children) {
      if (child.first != kNoObject) Everything(JoinPath(path, name), child.first, child.second);
    }
  }

  const Timeline& t_;
  const Trace& trace_;
  const MetaState& state_;
  const std::function<std::optional<ObjectId>(size_t)>& choose_;
  size_t root_ = 0;
  View view_;
  std::set<ObjectId> seen_;
  std::set<std::pair<size_t, std::string>> on_the_way_;
};

}  // namespace

View Walk(const Timeline& timeline, const MetaState& state, const Projection& projection,
          const std::function<std::optional<ObjectId>(size_t)>& choose) {
  return Walker(timeline, state, choose).Run(projection);
}

MetaStates::MetaStates(const Timeline& timeline, const Profile& profile,
                       const Projection& projection)
    : t_(timeline), p_(profile), projection_(projection) {
  ComputeBounds();
}

void MetaStates::ComputeBounds() {
  Bounds now;
  now.slots.assign(t_.slots().size(), 0);
  size_t applied = 0;
  for (const Segment& segment : t_.segments()) {
    for (; applied < segment.forces; ++applied) {
      const Force& force = t_.forces()[applied];
      if (p_.sync_noop || force.failed || !p_.rules.Has(Rule::kForcedMetadata)) continue;
      if (p_.meta_order == MetaOrder::kNone) {
        ForceCells(force, &now);
      } else {
        ForcePrefix(force, &now.cut);
      }
    }
    bounds_.push_back(now);
  }
}

// Newest position at which a group or floating group of the object stands (7.6.3). A change of
// times is none. `data_only`: INEW, SIZE, MAP and CONV, not names and attributes. `forced_data`:
// older writes have their blocks on disk already, so that writing there again changed no metadata.
Position MetaStates::Newest(ObjectId object, Position until, bool data_only,
                            Position forced_data) const {
  Position newest = 0;
  for (const Group& group : t_.groups()) {
    if (group.pos > until) break;
    for (auto [touched, why] : group.touches) {
      if (touched != object) continue;
      if (data_only && why != Touch::kNew && why != Touch::kSize) continue;
      newest = group.pos;
    }
  }
  const FileHistory* file = t_.File(object);
  if (file == nullptr || !p_.rules.Has(Rule::kWritePosition)) return newest;
  for (const WriteStep& step : file->writes) {
    if (step.pos > until) break;
    bool counts = step.extends() || p_.overwrite != Overwrite::kInPlace;
    if (!counts) {
      const auto& lives = file->pages.at(step.offset / kPageSize);
      for (const PageLife& life : lives) {
        if (life.Alive(step.pos)) counts = !life.mapped && life.born > forced_data;
      }
    }
    if (counts) newest = std::max(newest, step.pos);
  }
  return newest;
}

// The newest change of a name above the object.
Position MetaStates::NewestAbove(ObjectId object, Position until) const {
  Position newest = 0;
  for (size_t slot : t_.NamesOf(object)) {
    if (t_.slots()[slot].At(until) != object) continue;
    const ObjectId dir = t_.slots()[slot].dir;
    for (size_t above : t_.NamesOf(dir)) {
      const Slot& s = t_.slots()[above];
      if (s.At(until) == dir)
        newest = std::max({newest, s.versions[s.IndexAt(until)].pos, NewestAbove(dir, until)});
    }
  }
  return newest;
}

bool FallsBack(const Profile& profile, bool directory) {
  return directory ? profile.fsync_dir == FsyncDir::kAll : profile.fsync_file == FsyncFile::kAll;
}

void MetaStates::ForcePrefix(const Force& force, Position* cut) const {
  const bool everything = force.kind == OpKind::kSyncFs || force.kind == OpKind::kSyncAll;
  if (everything) {
    *cut = std::max(*cut, force.pos);
    return;
  }
  const bool directory =
      t_.trace().objects[static_cast<size_t>(force.object)].kind == FileKind::kDirectory;
  if (p_.meta_order == MetaOrder::kTxLog) {
    if (FallsBack(p_, directory)) *cut = std::max(*cut, force.pos);
    return;
  }
  const bool data_sync =
      force.kind == OpKind::kFdatasync && p_.datasync_meta == DatasyncMeta::kStrict;
  if (directory ? p_.fsync_dir == FsyncDir::kAll : p_.fsync_file == FsyncFile::kAll && !data_sync) {
    *cut = std::max(*cut, force.pos);
    return;
  }
  Position forced_data = 0;
  if (const FileHistory* file = t_.File(force.object)) {
    for (const DataForce& earlier : file->forces) {
      if (earlier.pos < force.pos && earlier.whole() && !earlier.failed) forced_data = earlier.pos;
    }
  }
  if (data_sync) {
    const Position data = Newest(force.object, force.pos, true, forced_data);
    // nothing of size or blocks is unforced: only DATA (7.6.5)
    if (data <= *cut && p_.rules.Has(Rule::kFdatasyncCleanFile)) return;
  }
  Position newest = 0;
  for (const Group& group : t_.groups()) {
    if (group.pos > force.pos) break;
    for (auto [touched, why] : group.touches) {
      if (touched != force.object) continue;
      const bool attribute = why == Touch::kAttr || why == Touch::kXattr;
      if (data_sync && attribute && p_.rules.Has(Rule::kFdatasyncAttributes)) continue;
      if (p_.tmpfile_link == TmpfileLink::kLost && why == Touch::kName &&
          group.pos == t_.FirstLinkOfNameless(force.object))
        continue;
      newest = group.pos;
    }
  }
  newest = std::max(newest, Newest(force.object, force.pos, true, forced_data));
  if (!p_.rules.Has(Rule::kNothingForcedFromBelow))
    newest = std::max(newest, NewestAbove(force.object, force.pos));
  *cut = std::max(*cut, newest);
}

void MetaStates::ForceCells(const Force& force, Bounds* bounds) const {
  const bool everything = force.kind == OpKind::kSyncFs || force.kind == OpKind::kSyncAll;
  if (everything) {
    bounds->attributes_all = force.pos;
  } else if (force.kind == OpKind::kFsync) {
    bounds->attributes[force.object] = force.pos;
  }
  for (size_t i = 0; i < t_.slots().size(); ++i) {
    const Slot& slot = t_.slots()[i];
    if (everything || slot.dir == force.object) {
      bounds->slots[i] = std::max(bounds->slots[i], slot.IndexAt(force.pos));
    }
  }
  // A rename of a directory is whole: forcing one side forces the other.
  for (bool changed = true; changed;) {
    changed = false;
    for (const Group& group : t_.groups()) {
      if (!group.moves_directory || group.pos > force.pos) continue;
      const bool forced = std::any_of(group.slots.begin(), group.slots.end(), [&](size_t s) {
        return bounds->slots[s] >= t_.slots()[s].IndexAt(group.pos);
      });
      if (!forced) continue;
      for (size_t s : group.slots) {
        const size_t least = t_.slots()[s].IndexAt(group.pos);
        if (bounds->slots[s] >= least) continue;
        bounds->slots[s] = least;
        changed = true;
      }
    }
  }
}

Position MetaStates::AttributesForced(ObjectId object, uint32_t segment) const {
  const Bounds& bounds = bounds_[segment];
  auto found = bounds.attributes.find(object);
  return std::max(bounds.attributes_all, found == bounds.attributes.end() ? 0 : found->second);
}

bool MetaStates::Fits(const MetaId& id) const {
  if (id.segment >= t_.segments().size()) return false;
  const Segment& segment = t_.segments()[id.segment];
  const Bounds& bounds = bounds_[id.segment];
  if (id.in_flight && (p_.meta_order != MetaOrder::kTxLog || segment.forces >= t_.forces().size()))
    return false;
  if (p_.meta_order != MetaOrder::kNone) {
    return id.slots.empty() && id.cut >= bounds.cut && id.cut <= segment.end;
  }
  return std::all_of(id.slots.begin(), id.slots.end(), [&](const auto& chosen) {
    return chosen.first < t_.slots().size() && chosen.second >= bounds.slots[chosen.first] &&
           chosen.second <= t_.slots()[chosen.first].IndexAt(segment.end);
  });
}

MetaState MetaStates::Expand(const MetaId& id) const {
  MetaState state;
  state.cut = id.cut;
  if (p_.meta_order == MetaOrder::kTxLog && !p_.sync_noop) {
    ApplyLog(t_, p_, id.cut, t_.segments()[id.segment].forces + (id.in_flight ? 1 : 0), &state);
  }
  for (auto [slot, version] : id.slots) {
    const SlotVersion& chosen = t_.slots()[slot].versions[version];
    state.slots[slot] = chosen.object;
    state.slot_pos[slot] = chosen.pos;
  }
  return state;
}

bool MetaStates::ForEach(uint64_t limit,
                         const std::function<void(const MetaChoice&)>& visit) const {
  if (p_.meta_order == MetaOrder::kNone) return ForEachCells(limit, visit);
  for (uint32_t s = 0; s < t_.segments().size(); ++s) {
    const Segment& segment = t_.segments()[s];
    const bool log_under_way = p_.meta_order == MetaOrder::kTxLog && !p_.sync_noop &&
                               segment.forces < t_.forces().size() &&
                               !t_.forces()[segment.forces].failed &&
                               p_.rules.Has(Rule::kLogUnderWay);
    for (Position cut = bounds_[s].cut; cut <= segment.end; ++cut) {
      MetaChoice choice;
      choice.id.segment = s;
      choice.id.cut = cut;
      choice.first_point = t_.PointOf(cut, segment);
      choice.last_point = segment.last_point;
      visit(choice);
      if (!log_under_way) continue;
      choice.id.in_flight = true;
      choice.first_point = segment.last_point;
      visit(choice);
    }
  }
  return true;
}

// Renames of directories are whole on posix rows too (7.6.6).
bool MetaStates::Joint(const std::map<size_t, size_t>& chosen, size_t slot, size_t version) const {
  for (const Group& group : t_.groups()) {
    if (!group.moves_directory || !p_.rules.Has(Rule::kCellsMoveDirectories)) continue;
    if (std::find(group.slots.begin(), group.slots.end(), slot) == group.slots.end()) continue;
    const bool here = version >= t_.slots()[slot].IndexAt(group.pos);
    for (size_t other : group.slots) {
      auto found = chosen.find(other);
      if (found == chosen.end() || other == slot) continue;
      if (here != (found->second >= t_.slots()[other].IndexAt(group.pos))) return false;
    }
  }
  return true;
}

// posix rows: few lost names first, over all segments, so that a bound leaves out the far ones.
bool MetaStates::ForEachCells(uint64_t limit,
                              const std::function<void(const MetaChoice&)>& visit) const {
  uint64_t left = limit;
  for (size_t lost = 0;; ++lost) {
    bool more = false;
    for (uint32_t s = 0; s < t_.segments().size(); ++s) {
      MetaState state;
      state.cut = t_.segments()[s].end;
      std::map<size_t, size_t> chosen;
      if (!DescendCells(s, lost, &state, &chosen, &more, &left, visit)) return false;
    }
    if (!more) return true;
  }
}

// Walks until it meets a slot that has no value yet, gives it each of its values in turn, and walks
// again. Exactly `lost` slots get another value than their newest; `more` is set when there was one
// left to lose.
bool MetaStates::DescendCells(uint32_t s, size_t lost, MetaState* state,
                              std::map<size_t, size_t>* chosen, bool* more, uint64_t* left,
                              const std::function<void(const MetaChoice&)>& visit) const {
  const Segment& segment = t_.segments()[s];
  std::optional<size_t> open;
  const View view = Walk(t_, *state, projection_, [&](size_t slot) -> std::optional<ObjectId> {
    if (!open) open = slot;
    return std::nullopt;
  });
  if (!open) {
    if (!view.valid || lost > 0) return true;
    if (*left == 0) return false;
    --*left;
    MetaChoice choice;
    choice.id.segment = s;
    choice.id.cut = segment.end;
    Position pos = 0;
    for (auto [slot, version] : *chosen) {
      pos = std::max(pos, t_.slots()[slot].versions[version].pos);
      choice.id.slots.emplace_back(slot, version);
      if (version != t_.slots()[slot].IndexAt(segment.end)) choice.weight += 2;
    }
    choice.first_point = t_.PointOf(pos, segment);
    choice.last_point = segment.last_point;
    visit(choice);
    return true;
  }
  const Slot& slot = t_.slots()[*open];
  const size_t newest = slot.IndexAt(segment.end);
  for (size_t version = newest + 1; version-- > bounds_[s].slots[*open];) {
    if (version != newest && lost == 0) {
      *more = true;
      break;
    }
    if (!Joint(*chosen, *open, version)) continue;
    (*chosen)[*open] = version;
    state->slots[*open] = slot.versions[version].object;
    const bool room =
        DescendCells(s, lost - (version != newest ? 1 : 0), state, chosen, more, left, visit);
    chosen->erase(*open);
    state->slots.erase(*open);
    if (!room) return false;
  }
  return true;
}

}  // namespace oldornew
