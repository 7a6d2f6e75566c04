#include "model/realise.h"

#include <algorithm>
#include <optional>

#include "model/explain.h"
#include "model/judged_roots.h"
#include "model/picture_tree.h"
#include "model/pictures.h"

namespace oldornew {
namespace {

// Puts what the text says about each dimension on the picture. The text may be silent about a
// dimension: then nothing of it is lost.
std::optional<DimensionChoices> ChoicesFor(const Picture& picture, const PartChoice& part) {
  DimensionChoices choices;
  for (uint32_t d = 0; d < picture.dimensions.size(); ++d) {
    const Dimension& dimension = picture.dimensions[d];
    if (dimension.file == nullptr) {
      const auto said = part.attributes.find(dimension.object);
      if (said == part.attributes.end()) continue;
      if (said->second >= dimension.count()) return std::nullopt;
      choices.emplace_back(d, said->second);
      continue;
    }

    const auto said = part.data.find(dimension.object);
    if (said == part.data.end()) continue;
    const auto index = dimension.file->Find(said->second.size, said->second.units);
    if (!index) return std::nullopt;
    choices.emplace_back(d, *index);
  }

  return choices;
}

// Builds the state of all devices, one part after the other.
class Realiser {
 public:
  Realiser(const History& history, const Profile& profile, std::string_view text,
           const ChoiceText& choice, const Projection& projection)
      : history_(history),
        profile_(profile),
        text_(text),
        choice_(choice),
        projection_(projection) {}

  Result<CrashState> Run() {
    const std::vector<size_t> devices = JudgedDevices(history_);
    if (choice_.order >= history_.orders()) return DoesNotFit(text_, "no such order of ops");
    if (choice_.parts.size() != devices.size())
      return DoesNotFit(text_, "another number of file systems");

    state_.tree = EmptyRoots(history_.trace());
    state_.choice = state_.late_choice = std::string(text_);
    state_.last_point = UINT32_MAX;
    for (size_t d = 0; d < devices.size(); ++d) {
      const Timeline& timeline = *history_.timelines()[choice_.order][devices[d]];
      RETURN_IF_ERROR(AddPart(timeline, choice_.parts[d]));
    }

    state_.first_point = choice_.point;
    state_.last_point = std::max(state_.first_point, state_.last_point);
    state_.points = {{state_.first_point, state_.last_point}};
    state_.digest = {key_.high, key_.low};
    SortEffects(&state_);
    return std::move(state_);
  }

 private:
  Status AddPart(const Timeline& timeline, const PartChoice& part) {
    for (const auto& [object, data] : part.data) {
      if (timeline.File(object) == nullptr)
        return DoesNotFit(text_, "a file that was never written");
    }

    // The choice of metadata.
    Pictures pictures(timeline, profile_, projection_, choice_.grain, 1);
    if (!pictures.metas().Fits(part.id)) return DoesNotFit(text_, "no such choice of metadata");
    const Segment& segment = timeline.segments()[part.id.segment];
    MetaChoice meta;
    meta.id = part.id;
    meta.first_point = part.id.in_flight ? segment.last_point : segment.first_point;
    meta.last_point = segment.last_point;
    const Picture picture = pictures.One(meta);
    if (!picture.view.valid) return DoesNotFit(text_, "a directory with two parents");

    // One choice of each list is enough: FileDomain::Find adds the one that the text names.
    pictures.List(1);
    const std::optional<DimensionChoices> choices = ChoicesFor(picture, part);
    if (!choices) return DoesNotFit(text_, "no such content");

    std::vector<uint32_t> full(picture.dimensions.size(), 0);
    for (auto [d, index] : *choices) full[d] = index;
    key_ += picture.Key(full);
    for (uint32_t d = 0; d < full.size(); ++d)
      state_.deviations += picture.dimensions[d].weight(full[d]);

    const MetaState names = pictures.metas().Expand(part.id);
    AddToTree(picture, names, *choices, &state_.tree);
    Explain(picture, names, *choices, projection_, choice_.point, &state_.lost, &state_.named_by);
    state_.last_point = std::min(state_.last_point, meta.last_point);
    return {};
  }

  const History& history_;
  const Profile& profile_;
  const std::string_view text_;
  const ChoiceText& choice_;
  const Projection& projection_;
  CrashState state_;
  Sum key_;
};

}  // namespace

Result<CrashState> Realise(const History& history, const Profile& profile, std::string_view text,
                           const ChoiceText& choice, const Projection& projection) {
  return Realiser(history, profile, text, choice, projection).Run();
}

tl::unexpected<Error> DoesNotFit(std::string_view text, std::string_view why) {
  return FailWith(ExitCode::kUsage,
                  "crash state '{}' does not belong to this recording and profile: {}", text, why);
}

}  // namespace oldornew
