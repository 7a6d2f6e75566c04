// Kill search: what the next reader finds when every process of the run dies at once, at any moment
// of it (cases/kill_states.h). Nothing is run: the page cache survives, so that the recorded calls
// tell what is there after each of them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "search/judged_trace.h"

namespace oldornew {

struct KillFindings {
  /// One for each subject; those of one place in the program are joined.
  std::vector<Finding> findings;
  uint64_t moments = 0;  ///< states that were judged
  bool exhaustive = true;
};

/// Every subject must be old, new or a published version at every moment, and the user's command,
/// if there is one, must be content. What was acknowledged is still there, since nothing is lost,
/// unless the program itself takes it back. `axis`: of the findings. At most `most_asked` states
/// are shown to a command. Errors: those of a checker.
Result<KillFindings> SearchKills(const JudgedTrace& judged, const Question& question,
                                 const std::string& axis, uint64_t most_asked);

}  // namespace oldornew
