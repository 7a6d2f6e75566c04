#include "model/explain.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"

namespace oldornew {
namespace {

class Explainer {
 public:
  Explainer(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
            const Projection& projection, uint32_t point)
      : picture_(picture), t_(*picture.timeline), state_(state), choices_(choices), point_(point) {
    for (Position pos = 1; pos <= t_.changes().last(); ++pos) {
      if (t_.changes().OpOf(pos) < point) live_ = pos;
    }
    MetaState live;
    live.cut = live_;
    const View now = Walk(t_, live, projection);
    for (const View* view : {&picture.view, &now}) {
      slots_.insert(view->slots.begin(), view->slots.end());
    }
    for (const ViewNode& node : picture.view.nodes) {
      if (node.projected) shown_.insert(node.object);
    }
  }

  void Run(std::vector<Effect>* lost, std::vector<uint32_t>* named_by) {
    for (const Group& group : t_.groups()) {
      if (group.op < point_) Judge(group);
    }
    for (uint32_t a = 0; a < picture_.dimensions.size(); ++a) {
      if (picture_.dimensions[a].file != nullptr) JudgeWrites(a);
    }
    for (auto& [op, effect] : effects_) lost->push_back(std::move(effect));
    std::set<uint32_t> named;
    for (const ViewNode& node : picture_.view.nodes) {
      if (node.slot < 0) continue;
      const Slot& slot = t_.slots()[static_cast<size_t>(node.slot)];
      const SlotVersion& version =
          slot.versions[slot.IndexAt(state_.SlotPosition(static_cast<size_t>(node.slot)))];
      if (version.pos > 0) named.insert(version.op);
    }

    named_by->assign(named.begin(), named.end());
  }

 private:
  void Add(uint32_t op, Effect::Extent extent, std::string detail) {
    auto [known, fresh] = effects_.try_emplace(op);
    Effect& effect = known->second;
    if (!fresh && effect.extent == Effect::Extent::kWhole) return;
    effect.op = op;
    effect.extent = extent;
    effect.detail = std::move(detail);
  }

  void Judge(const Group& group) {
    size_t relevant = 0, missing = 0;
    for (size_t slot : group.slots) {
      if (!slots_.count(slot)) continue;
      ++relevant;
      missing += state_.SlotPosition(slot) < group.pos;
    }

    for (auto [object, why] : group.touches) {
      if (!shown_.count(object)) continue;
      if (why == Touch::kAttr || why == Touch::kXattr) {
        ++relevant;
        missing += !HasAttributes(t_.trace().ops[group.op]);
      } else if (why == Touch::kSize) {
        ++relevant;
        missing += ContentPosition(object) < group.pos;
      }
    }

    if (missing == 0) return;
    Add(group.op, missing == relevant ? Effect::Extent::kWhole : Effect::Extent::kPart,
        missing == relevant ? "" : "only one of its names");
  }

  bool HasAttributes(const Op& op) const {
    const Attributes have = AttributesOf(picture_, state_, choices_, op.object);
    if (op.kind == OpKind::kSetAttributes)
      return have.mode == op.mode && have.uid == op.uid && have.gid == op.gid;
    auto value = have.xattrs.find(op.key);
    if (op.kind == OpKind::kRemoveXattr) return value == have.xattrs.end();
    return value != have.xattrs.end() && value->second == t_.trace().Payload(op);
  }

  // Up to where sizes set by metadata alone are on disk.
  Position ContentPosition(ObjectId object) const {
    for (uint32_t a = 0; a < picture_.dimensions.size(); ++a) {
      const Dimension& dimension = picture_.dimensions[a];
      if (dimension.object != object || dimension.file == nullptr) continue;
      const ContentChoice& choice = dimension.file->choices()[ChoiceOn(choices_, a)];
      return dimension.file->independent_cells() ? dimension.file->sizes()[choice.size].pos
                                                 : dimension.file->query().cut;
    }

    return state_.cut;
  }

  void JudgeWrites(uint32_t a) {
    const FileDomain& file = *picture_.dimensions[a].file;
    struct Count {
      uint64_t pages = 0, none = 0, torn = 0;
    };
    std::map<uint32_t, Count> counts;
    file.ForEachPageEffect(file.choices()[ChoiceOn(choices_, a)], live_,
                           [&](uint32_t op, uint64_t, int landed) {
                             if (op >= point_) return;
                             Count& count = counts[op];
                             ++count.pages;
                             count.none += landed == 0;
                             count.torn += landed == 1;
                           });
    for (const auto& [op, count] : counts) {
      if (count.none + count.torn == 0 || t_.trace().ops[op].kind != OpKind::kWrite) continue;
      if (count.none == count.pages) {
        Add(op, Effect::Extent::kWhole, "");
      } else if (count.torn > 0) {
        Add(op, Effect::Extent::kTorn,
            count.pages == 1 ? "part of a page"
                             : fmt::format("{} of {} pages whole",
                                           count.pages - count.none - count.torn, count.pages));
      } else {
        Add(op, Effect::Extent::kPart, fmt::format("{} of {} pages", count.none, count.pages));
      }
    }
  }

  const Picture& picture_;
  const Timeline& t_;
  const MetaState& state_;
  const DimensionChoices& choices_;
  uint32_t point_;
  Position live_ = 0;
  std::set<size_t> slots_;
  std::set<ObjectId> shown_;  // in the state
  std::map<uint32_t, Effect> effects_;
};

}  // namespace

void Explain(const Picture& picture, const MetaState& state, const DimensionChoices& choices,
             const Projection& projection, uint32_t point, std::vector<Effect>* lost,
             std::vector<uint32_t>* named_by) {
  Explainer(picture, state, choices, projection, point).Run(lost, named_by);
}

void SortEffects(CrashState* state) {
  std::sort(state->lost.begin(), state->lost.end(),
            [](const Effect& a, const Effect& b) { return a.op < b.op; });
  std::sort(state->named_by.begin(), state->named_by.end());
}

}  // namespace oldornew
