// Kills that a recording cannot tell of: one process of several dies and the others live on (the
// OOM killer), and SIGTERM and SIGINT, which a program may handle. Each is a run of its own.
//
// What is left when all processes die at once needs no run: finding/kill_search.h.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "rerun/further_run.h"
#include "run/record.h"

namespace oldornew {

struct KillSpec {
  RunSpec run;           ///< of the plain run
  SearchOptions search;  ///< of the plain run. With a probe for --view that one judges how runs end
  /// paths that are known to be broken when everything is killed at once
  std::set<std::string> known;
  /// of killed processes, SIGTERM and SIGINT: more moments are thinned out
  uint64_t most_of_each = 16;
};

struct KillResult {
  std::vector<FurtherRun> runs;   ///< those with findings
  std::vector<Finding> findings;  ///< Finding::run is an index into `runs`
  std::vector<std::string> notes;
  std::vector<std::string> bounds;  ///< one sentence for each reason why not everything was tried
  uint64_t killed = 0;              ///< runs in which one process of several was killed ...
  uint64_t signalled = 0;           ///< ... and in which the main process got SIGTERM or SIGINT
};

/// `plain` must have ended well: REQUIRES an exit status in search.ack.ok_exit. Errors:
/// interrupted, internal, those of a probe.
Result<KillResult> KillProcesses(Sandbox& sandbox, const Trace& plain, const KillSpec& spec);

}  // namespace oldornew
