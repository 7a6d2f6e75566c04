#include "model/name_timelines.h"

#include <algorithm>

#include "base/check.h"

namespace oldornew {
namespace {

// Index of the last entry whose position is <= cut. REQUIRES: the first entry's position is <= cut.
template <typename Entry>
size_t LastAt(const std::vector<Entry>& entries, Position cut) {
  auto after = std::upper_bound(entries.begin(), entries.end(), cut,
                                [](Position p, const Entry& e) { return p < e.pos; });
  CHECK(after != entries.begin());
  return static_cast<size_t>(after - entries.begin()) - 1;
}

template <typename Map, typename Key>
const typename Map::mapped_type* FindIn(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

size_t Slot::IndexAt(Position cut) const { return LastAt(versions, cut); }

void NameTimelines::SetSlot(Group* group, ObjectId dir, const std::string& name, ObjectId object) {
  auto [entry, fresh] = slots_of_[dir].try_emplace(name, slots_.size());
  const size_t index = entry->second;

  if (fresh) {  // the first change of this name: what it held before the run is version 0
    Slot slot;
    slot.dir = dir;
    slot.name = name;
    ObjectId before = kNoObject;
    if (IsOld(dir)) {
      const auto& entries = trace_->old_tree.at(dir).entries;
      if (auto old = entries.find(name); old != entries.end()) before = old->second;
    }
    slot.versions.push_back({0, 0, before});
    if (before != kNoObject) names_of_[before].push_back(index);
    slots_.push_back(std::move(slot));
  }

  slots_[index].versions.push_back({group->pos, group->op, object});
  group->slots.push_back(index);

  if (object == kNoObject) return;
  auto& names = names_of_[object];
  if (std::find(names.begin(), names.end(), index) == names.end()) names.push_back(index);
}

void NameTimelines::Create(ObjectId object, const AttrVersion& made) {
  created_[object] = made.pos;
  attrs_[object].push_back(made);
}

void NameTimelines::Linked(ObjectId object, Position pos) {
  const auto born = nameless_.find(object);
  if (born != nameless_.end() && born->second == 0) born->second = pos;
}

void NameTimelines::SetAttributes(ObjectId object, const AttrVersion& attributes) {
  auto& versions = attrs_[object];
  if (versions.empty() && IsOld(object)) {
    const Inode& inode = trace_->old_tree.at(object);
    versions.push_back({0, 0, inode.mode, inode.uid, inode.gid});
  }

  versions.push_back(attributes);
}

void NameTimelines::SetXattr(ObjectId object, const std::string& key, XattrVersion version) {
  auto& versions = xattrs_[object][key];
  if (versions.empty()) {
    std::optional<std::string> before;
    if (IsOld(object)) {
      const auto& xattrs = trace_->old_tree.at(object).xattrs;
      if (auto old = xattrs.find(key); old != xattrs.end()) before = old->second;
    }
    versions.push_back({0, 0, before});
  }

  versions.push_back(std::move(version));
}

const std::map<std::string, size_t>* NameTimelines::SlotsOf(ObjectId dir) const {
  return FindIn(slots_of_, dir);
}

const std::vector<size_t>& NameTimelines::NamesOf(ObjectId object) const {
  static const std::vector<size_t> none;
  const auto* names = FindIn(names_of_, object);
  return names == nullptr ? none : *names;
}

bool NameTimelines::Changed(ObjectId dir, const std::string& name) const {
  const auto* changed = SlotsOf(dir);
  return changed != nullptr && changed->count(name) != 0;
}

const std::vector<AttrVersion>* NameTimelines::AttrsOf(ObjectId object) const {
  return FindIn(attrs_, object);
}

const std::map<std::string, std::vector<XattrVersion>>* NameTimelines::XattrsOf(
    ObjectId object) const {
  return FindIn(xattrs_, object);
}

Attributes NameTimelines::AttributesAt(ObjectId object, Position cut) const {
  Attributes out;
  if (IsOld(object)) {
    const Inode& inode = trace_->old_tree.at(object);
    out = {inode.mode, inode.uid, inode.gid, inode.xattrs};
  }

  if (const auto* attrs = AttrsOf(object)) {
    // An inode that is on disk has at least the attributes it was made with.
    const AttrVersion& at = (*attrs)[LastAt(*attrs, std::max(cut, attrs->front().pos))];
    out.mode = at.mode;
    out.uid = at.uid;
    out.gid = at.gid;
  }

  if (const auto* keys = XattrsOf(object)) {
    for (const auto& [key, versions] : *keys) {
      const auto& value = versions[LastAt(versions, cut)].value;
      out.xattrs.erase(key);
      if (value) out.xattrs[key] = *value;
    }
  }

  return out;
}

Position NameTimelines::CreatedAt(ObjectId object) const {
  const Position* created = FindIn(created_, object);
  return created == nullptr ? 0 : *created;
}

Position NameTimelines::FirstLinkOfNameless(ObjectId object) const {
  const Position* linked = FindIn(nameless_, object);
  return linked == nullptr ? 0 : *linked;
}

}  // namespace oldornew
