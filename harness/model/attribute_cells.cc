#include "model/attribute_cells.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/digest.h"

namespace oldornew {
namespace {

constexpr size_t kMaxAttributeChoices = 256;

// The distinct values of one cell between the last forced one and the newest, newest first, each
// with the earliest position at which the cell had it.
template <typename Version, typename ValueOf>
auto CellValues(const std::vector<Version>& versions, Position forced, Position horizon,
                ValueOf value_of) {
  std::vector<std::pair<decltype(value_of(versions[0])), Position>> values;
  for (size_t i = versions.size(); i-- > 0;) {
    if (versions[i].pos > horizon) continue;
    const auto value = value_of(versions[i]);
    auto known =
        std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == value; });
    if (known == values.end()) {
      values.emplace_back(value, versions[i].pos);
    } else {
      known->second = versions[i].pos;
    }
    if (versions[i].pos <= forced) break;
  }

  return values;
}

class Multiplier {
 public:
  explicit Multiplier(AttributeChoice newest) : choices_({std::move(newest)}) {}

  // Multiplies the list by the other values of one cell. values[0] is the newest, which the list
  // has.
  template <typename Values, typename Set>
  void Vary(const Values& values, Set set) {
    const size_t before = choices_.size();
    for (size_t v = 1; v < values.size(); ++v) {
      for (size_t i = 0; i < before; ++i) {
        if (choices_.size() >= kMaxAttributeChoices) {
          complete_ = false;
          return;
        }

        AttributeChoice next = choices_[i];
        set(&next.attributes, values[v].first);
        next.weight += 2;
        next.pos = std::max(next.pos, values[v].second);
        choices_.push_back(std::move(next));
      }
    }

    for (size_t i = 0; i < before && !values.empty(); ++i)
      choices_[i].pos = std::max(choices_[i].pos, values[0].second);
  }

  bool complete() const { return complete_; }
  std::vector<AttributeChoice> Take() { return std::move(choices_); }

 private:
  std::vector<AttributeChoice> choices_;
  bool complete_ = true;
};

}  // namespace

std::vector<AttributeChoice> AttributeChoices(const Timeline& timeline, ObjectId object,
                                              Position forced, Position horizon, bool* complete) {
  const NameTimelines& names = timeline.names();
  AttributeChoice newest;
  newest.attributes = names.AttributesAt(object, horizon);
  Multiplier list(std::move(newest));

  // The first version of a new inode is the one it was made with: its creation is whole.
  if (const auto* versions = names.AttrsOf(object)) {
    list.Vary(CellValues(*versions, forced, horizon, [](const AttrVersion& v) { return v.mode; }),
              [](Attributes* a, uint32_t value) { a->mode = value; });
    list.Vary(CellValues(*versions, forced, horizon, [](const AttrVersion& v) { return v.uid; }),
              [](Attributes* a, uint32_t value) { a->uid = value; });
    list.Vary(CellValues(*versions, forced, horizon, [](const AttrVersion& v) { return v.gid; }),
              [](Attributes* a, uint32_t value) { a->gid = value; });
  }

  if (const auto* keys = names.XattrsOf(object)) {
    for (const auto& [key, versions] : *keys) {
      list.Vary(
          CellValues(versions, forced, horizon, [](const XattrVersion& v) { return v.value; }),
          [&name = key](Attributes* a, const std::optional<std::string>& value) {
            a->xattrs.erase(name);
            if (value) a->xattrs[name] = *value;
          });
    }
  }

  *complete = *complete && list.complete();

  std::vector<AttributeChoice> choices = list.Take();
  for (AttributeChoice& choice : choices) choice.key = AttributesSum(choice.attributes);
  std::stable_sort(
      choices.begin(), choices.end(),
      [](const AttributeChoice& a, const AttributeChoice& b) { return a.weight < b.weight; });
  return choices;
}

Sum AttributesSum(const Attributes& attributes) {
  Hasher hasher;
  hasher.Add(attributes.mode).Add(attributes.uid).Add(attributes.gid);
  for (const auto& [key, value] : attributes.xattrs) hasher.Add(key).Add(value);
  return MixDigest(hasher.Finish(), 1);
}

}  // namespace oldornew
