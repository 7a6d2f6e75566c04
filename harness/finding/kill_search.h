// Kill search: what the next reader finds when all processes of the run are killed
// (explore/kill_states.h). No power is lost, so what is wrong here is wrong under every file
// system, and no sync cures it.
#pragma once

#include <vector>

#include "base/result.h"
#include "finding/probe_search.h"
#include "finding/search.h"

namespace oldornew {

struct KillFindings {
  /// axis kKill, one for each subject, those of one place in the program joined
  std::vector<Finding> findings;
  KillCount count;
};

/// Every subject must be old, new or a published version at every moment; under --view and --check
/// (`probes`, or null) the user's command must be content. `subjects` are those that are judged by
/// their bytes. What was acknowledged is still there, since nothing is lost, unless the program
/// itself takes it back. Errors: what a probe returns.
Result<KillFindings> SearchKills(const Trace& trace, const SearchOptions& options,
                                 const std::vector<Subject>& subjects, ProbeSearch* probes);

}  // namespace oldornew
