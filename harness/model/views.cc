#include "model/views.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "model/judged_roots.h"

namespace oldornew {

ObjectId MetaState::SlotValue(const Timeline& timeline, size_t slot) const {
  auto found = slots.find(slot);
  return found != slots.end() ? found->second : timeline.slots()[slot].At(cut);
}

Position MetaState::SlotPosition(size_t slot) const {
  auto found = slot_pos.find(slot);
  return found != slot_pos.end() ? found->second : slots.count(slot) ? 0 : cut;
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
    if (const auto* changed = t_.names().SlotsOf(dir)) {
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
      view_.valid = false;  // two parents, or a cycle: no such state is generated
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

    if (const auto* changed = t_.names().SlotsOf(object)) {
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

}  // namespace oldornew
