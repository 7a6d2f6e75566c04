// Findings of the run itself, which no crash is needed for: oracles `private` and `contained`
// (oracles.md 13, 14).
#pragma once

#include <vector>

#include "finding/search.h"

namespace oldornew {

/// In the order of the report. They hold under every file system: their profiles are those that
/// were asked for.
std::vector<Finding> FindLiveFindings(const Trace& trace, const SearchOptions& options,
                                      const std::vector<Subject>& watched);

}  // namespace oldornew
