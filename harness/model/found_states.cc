#include "model/found_states.h"

#include <algorithm>

namespace oldornew {
namespace {

void MergeInterval(std::vector<Interval>* list, Interval added) {
  list->push_back(added);
  std::sort(list->begin(), list->end());

  std::vector<Interval> merged;
  for (const Interval& interval : *list) {
    if (!merged.empty() && interval.first <= merged.back().second + 1) {
      merged.back().second = std::max(merged.back().second, interval.second);
    } else {
      merged.push_back(interval);
    }
  }

  *list = std::move(merged);
}

// The crash points of a meeting at which these choices can be there: what ran ahead of the metadata
// must have happened.
Interval PointsOf(const Meeting& meeting, const std::vector<const Picture*>& pictures,
                  const std::vector<std::vector<uint32_t>>& choices) {
  Interval points = meeting.points;
  for (size_t d = 0; d < pictures.size(); ++d) {
    const Picture& picture = *pictures[d];
    const Occurrence& occurrence = picture.occurrences[meeting.occurrences[d]];
    const Segment& segment = picture.timeline->segments()[occurrence.id.segment];
    for (size_t i = 0; i < picture.dimensions.size(); ++i) {
      const Position pos = picture.dimensions[i].pos(choices[d][i]);
      if (pos > 0) points.first = std::max(points.first, picture.timeline->PointOf(pos, segment));
    }
  }

  return points;
}

Witness MakeWitness(const Combination& combination, const Meeting& meeting,
                    const std::vector<std::vector<uint32_t>>& choices, uint32_t point) {
  Witness witness;
  witness.point = point;
  witness.order = combination.order;
  for (size_t d = 0; d < choices.size(); ++d) {
    witness.parts.emplace_back(combination.pictures[d], meeting.occurrences[d]);
    DimensionChoices deviating;
    for (uint32_t i = 0; i < choices[d].size(); ++i) {
      if (choices[d][i] != 0) deviating.emplace_back(i, choices[d][i]);
    }
    witness.choices.push_back(std::move(deviating));
  }

  return witness;
}

}  // namespace

Found& FoundStates::Known(const Digest& digest, uint32_t weight) {
  const auto [known, fresh] = by_digest_.try_emplace(digest, found_.size());
  if (fresh) {
    found_.emplace_back();
    found_.back().digest = digest;
    found_.back().weight = weight;
  }

  return found_[known->second];
}

void FoundStates::Add(const Combination& combination, const std::vector<const Picture*>& pictures,
                      const std::vector<std::vector<uint32_t>>& choices, uint32_t weight) {
  Sum key;
  for (size_t d = 0; d < pictures.size(); ++d) key += pictures[d]->Key(choices[d]);
  Found& found = Known({key.high, key.low}, weight);

  for (const Meeting& meeting : combination.meetings) {
    const Interval points = PointsOf(meeting, pictures, choices);
    if (points.first > points.second) continue;
    const bool earliest = found.points.empty() || points.first < found.early.point;
    const bool latest = found.points.empty() || points.second > found.late.point;
    if (earliest) found.early = MakeWitness(combination, meeting, choices, points.first);
    if (latest) found.late = MakeWitness(combination, meeting, choices, points.second);
    MergeInterval(&found.points, points);
  }
}

}  // namespace oldornew
