#include "model/combinations.h"

#include <algorithm>

namespace oldornew {
namespace {

// The meetings that are left when one more device, with these occurrences, takes part.
std::vector<Meeting> Meet(const std::vector<Meeting>& meetings,
                          const std::vector<Occurrence>& occurrences) {
  std::vector<Meeting> out;
  for (const Meeting& meeting : meetings) {
    for (uint32_t i = 0; i < occurrences.size(); ++i) {
      Meeting both = meeting;
      both.occurrences.push_back(i);
      both.points.first = std::max(meeting.points.first, occurrences[i].first_point);
      both.points.second = std::min(meeting.points.second, occurrences[i].last_point);
      if (both.points.first <= both.points.second) out.push_back(std::move(both));
    }
  }

  return out;
}

}  // namespace

bool Combine(const PicturesOfDevices& devices, uint32_t order, uint64_t limit,
             std::vector<Combination>* out) {
  bool complete = true;
  std::vector<Combination> partial(1);
  partial[0].order = order;
  partial[0].meetings.push_back({{}, {0, UINT32_MAX}});

  for (const auto& device : devices) {
    std::vector<Combination> next;
    const std::vector<Picture>& pictures = device->all();
    for (const Combination& so_far : partial) {
      for (uint32_t i = 0; i < pictures.size(); ++i) {
        if (next.size() >= limit) {
          complete = false;
          break;
        }

        Combination combination = so_far;
        combination.pictures.push_back(i);
        combination.total = SaturatingMultiply(combination.total, pictures[i].total);
        combination.weight += pictures[i].weight;
        combination.max_weight += pictures[i].max_weight;
        combination.meetings = Meet(so_far.meetings, pictures[i].occurrences);
        if (!combination.meetings.empty()) next.push_back(std::move(combination));
      }
    }
    partial = std::move(next);
  }

  out->insert(out->end(), partial.begin(), partial.end());
  return complete;
}

}  // namespace oldornew
