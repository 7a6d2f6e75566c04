// Search: all crash states of a trace under the chosen profiles, judged; what fails becomes
// findings, one for each cause, the outcomes listed by profile.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "search/judged_trace.h"
#include "search/search_space.h"

namespace oldornew {

struct SearchResult {
  std::vector<Finding> findings;  ///< errors first, then warnings, then pedantic ones
  Coverage coverage;  ///< summed over profiles and subjects; states_distinct counts pictures once
  std::vector<std::string> notes;
};

/// `jobs`: threads; 0: one for each processor. The result does not depend on it. Errors: what a
/// checker returns.
Result<SearchResult> SearchPowerCuts(const JudgedTrace& judged, const Question& question,
                                     const SearchSpace& space, int jobs);

}  // namespace oldornew
