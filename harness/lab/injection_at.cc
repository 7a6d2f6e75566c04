#include "lab/injection_at.h"

#include <algorithm>

namespace oldornew {

uint32_t OccurrenceOf(const Trace& survey, const Injection& injection, int index) {
  uint32_t count = 0;
  for (int i = 0; i <= index; ++i) {
    const FileCall& other = survey.file_calls[static_cast<size_t>(i)];
    if (!std::binary_search(injection.calls.begin(), injection.calls.end(), other.syscall))
      continue;
    if (injection.path.empty() || PathPatterns::Matches(injection.path, other.path) ||
        (!other.path2.empty() && PathPatterns::Matches(injection.path, other.path2)))
      ++count;
  }
  return count;
}

Injection InjectionAt(const Trace& survey, const PathPatterns& patterns, int index) {
  const FileCall& call = survey.file_calls[static_cast<size_t>(index)];
  Injection injection;
  injection.calls = {call.syscall};
  injection.path = patterns.Of(call.path);
  injection.first = injection.last = OccurrenceOf(survey, injection, index);
  return injection;
}

}  // namespace oldornew
