#include "model/enumeration.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "model/choice_text.h"
#include "model/combinations.h"
#include "model/explain.h"
#include "model/found_states.h"
#include "model/judged_roots.h"
#include "model/picture_tree.h"
#include "model/pictures.h"

namespace oldornew {
namespace {

// Contents of one file that are listed however small the limit is.
constexpr uint64_t kLeastShare = 2000;

class Enumeration {
 public:
  Enumeration(const History& history, const Profile& profile, const Projection& projection,
              const Limits& limits)
      : history_(history), profile_(profile), projection_(projection), limits_(limits) {
    coverage_.crash_points = history.trace().ops.size() + 1;
    coverage_.orders = history.orders();
    coverage_.grain = history.grain();
    coverage_.exhaustive = history.all_orders();
  }

  Coverage Run(const std::function<bool(const CrashState&)>& visit) {
    FindPictures();
    ListChoices();
    for (uint32_t order = 0; order < history_.orders(); ++order) {
      if (!Combine(pictures_[order], order, limits_.max_states, &combinations_))
        coverage_.exhaustive = false;
    }

    VisitAll();
    if (full_) coverage_.exhaustive = false;
    coverage_.states_distinct = found_.all().size();

    // Only now: a state's crash points and its witnesses are known when all have been visited.
    for (const Found& found : found_.all()) {
      if (!visit(Build(found))) break;
    }
    return coverage_;
  }

 private:
  void FindPictures() {
    const std::vector<size_t> devices = JudgedDevices(history_);
    for (uint32_t order = 0; order < history_.orders(); ++order) {
      PicturesOfDevices& row = pictures_.emplace_back();
      for (size_t d : devices) {
        const Timeline& timeline = *history_.timelines()[order][d];
        row.push_back(std::make_unique<Pictures>(timeline, profile_, projection_, history_.grain(),
                                                 limits_.max_states));
        if (!row.back()->Find()) coverage_.exhaustive = false;
      }
    }
  }

  // Lists every file's contents in full when the whole space is within the limit. When it is not,
  // each list is kept to a share of it: the light ones, which come first, are those that a bounded
  // search gets to.
  void ListChoices() {
    uint64_t total = 0;
    uint64_t domains = 1;
    for (const PicturesOfDevices& row : pictures_) {
      uint64_t product = 1;
      for (const auto& pictures : row) {
        product = SaturatingMultiply(product, pictures->Total());
        domains += pictures->domains();
      }
      total = SaturatingAdd(total, product);
    }

    const uint64_t share = std::max(kLeastShare, limits_.max_states / domains);
    for (const PicturesOfDevices& row : pictures_) {
      for (const auto& pictures : row) {
        if (!pictures->List(total <= limits_.max_states ? UINT64_MAX : share))
          coverage_.exhaustive = false;
      }
    }
  }

  // Weight by weight, so that a bound leaves out what deviates most.
  void VisitAll() {
    uint32_t heaviest = 0;
    for (const Combination& combination : combinations_) {
      coverage_.states_total = SaturatingAdd(coverage_.states_total, combination.total);
      heaviest = std::max(heaviest, combination.max_weight);
    }

    for (uint32_t weight = 0; weight <= heaviest && !full_; ++weight) {
      for (const Combination& combination : combinations_) {
        if (combination.weight <= weight && weight <= combination.max_weight && !full_)
          Visit(combination, weight);
      }
    }
  }

  std::vector<const Picture*> PicturesOf(const Combination& combination) const {
    std::vector<const Picture*> out;
    for (size_t d = 0; d < combination.pictures.size(); ++d)
      out.push_back(&pictures_[combination.order][d]->all()[combination.pictures[d]]);
    return out;
  }

  // Visits the choices of exactly this weight. The choices of a dimension are sorted by weight, so
  // the walk is pruned on both sides.
  void Visit(const Combination& combination, uint32_t weight) {
    const std::vector<const Picture*> pictures = PicturesOf(combination);
    std::vector<const Dimension*> dimensions;
    for (const Picture* picture : pictures) {
      for (const Dimension& dimension : picture->dimensions) dimensions.push_back(&dimension);
    }
    std::vector<uint32_t> heaviest(dimensions.size() + 1, 0);  // of all dimensions from here on
    for (size_t d = dimensions.size(); d-- > 0;)
      heaviest[d] = heaviest[d + 1] + dimensions[d]->weight(dimensions[d]->count() - 1);

    std::vector<uint32_t> choice(dimensions.size(), 0);
    auto pick = [&](auto&& self, size_t d, uint32_t left) -> void {
      if (full_ || left > heaviest[d]) return;
      if (d == dimensions.size()) return Add(combination, pictures, choice, weight);
      for (uint32_t i = 0; i < dimensions[d]->count(); ++i) {
        const uint32_t w = dimensions[d]->weight(i);
        if (w > left) break;
        choice[d] = i;
        self(self, d + 1, left - w);
      }
      choice[d] = 0;
    };

    pick(pick, 0, weight - combination.weight);
  }

  void Add(const Combination& combination, const std::vector<const Picture*>& pictures,
           const std::vector<uint32_t>& choice, uint32_t weight) {
    if (coverage_.states_visited == limits_.max_states) {
      full_ = true;
      return;
    }

    ++coverage_.states_visited;

    std::vector<std::vector<uint32_t>> by_device;
    auto next = choice.begin();
    for (const Picture* picture : pictures) {
      const auto end = next + static_cast<std::ptrdiff_t>(picture->dimensions.size());
      by_device.emplace_back(next, end);
      next = end;
    }

    found_.Add(combination, pictures, by_device, weight);
  }

  std::string Text(const Witness& witness) const {
    std::string text = ChoiceHead(history_.grain(), witness.order, witness.point);
    for (size_t d = 0; d < witness.parts.size(); ++d) {
      const auto [picture_index, occurrence] = witness.parts[d];
      const Picture& picture = pictures_[witness.order][d]->all()[picture_index];
      text += PartText(picture, picture.occurrences[occurrence], witness.choices[d]);
    }

    return text;
  }

  CrashState Build(const Found& found) const {
    CrashState state;
    state.digest = found.digest;
    state.deviations = found.weight;
    state.points = found.points;
    state.first_point = found.points.front().first;
    state.last_point = found.points.back().second;
    state.choice = Text(found.early);
    state.late_choice = Text(found.late);

    state.tree = EmptyRoots(history_.trace());
    for (size_t d = 0; d < found.early.parts.size(); ++d) {
      const auto [picture_index, occurrence] = found.early.parts[d];
      const Pictures& pictures = *pictures_[found.early.order][d];

      // A picture's view is the one of its first occurrence. Every occurrence shows the same, but
      // what is lost in it differs.
      Picture there = pictures.all()[picture_index];
      const MetaState meta = pictures.metas().Expand(there.occurrences[occurrence].id);
      there.view = Walk(*there.timeline, meta, projection_);
      AddToTree(there, meta, found.early.choices[d], &state.tree);
      Explain(there, meta, found.early.choices[d], projection_, found.early.point, &state.lost,
              &state.named_by);
    }

    SortEffects(&state);
    return state;
  }

  const History& history_;
  const Profile& profile_;
  const Projection& projection_;
  const Limits& limits_;
  Coverage coverage_;
  bool full_ = false;
  std::vector<PicturesOfDevices> pictures_;  // by order
  std::vector<Combination> combinations_;
  FoundStates found_;
};

}  // namespace

Coverage EnumerateStates(const History& history, const Profile& profile,
                         const Projection& projection, const Limits& limits,
                         const std::function<bool(const CrashState&)>& visit) {
  return Enumeration(history, profile, projection, limits).Run(visit);
}

}  // namespace oldornew
