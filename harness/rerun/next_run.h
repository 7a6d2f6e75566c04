// Next run: whatever a kill, a fault or a power cut left behind, the command run again from it must
// behave like a run from the old state or like one from the new state (oracles.md 10, 11). What a
// kill during such a next run leaves is started from once more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "rerun/further_run.h"
#include "rerun/start_states.h"
#include "run/record.h"

namespace oldornew {

struct NextRunSpec {
  RunSpec run;  ///< of the recorded run
  /// --recover: the command that is run next; empty: the recorded one
  std::vector<std::string> recover;
  /// Of the recorded run: what is watched, what counts as success, the profiles of power cuts. With
  /// a probe for --view that one says what came of a run; with one for --check that one must be
  /// content.
  SearchOptions search;
  bool after_kill = true;  ///< from what a SIGKILL at any moment leaves: the page cache survives
  bool after_power_cut = false;    ///< from the crash states of search.profiles
  std::vector<StartState> starts;  ///< from these too: what faults left
  uint64_t most_states = 300;      ///< distinct states to run from, in the order above
  /// of those that kills during next runs leave; no bound of the verdict
  uint64_t most_again = 24;
};

struct NextRunResult {
  std::vector<FurtherRun> runs;  ///< those with findings
  /// one for each kind of failure, the earliest state shown; `run` is an index
  std::vector<Finding> findings;
  std::vector<std::string> notes;
  std::vector<std::string> bounds;  ///< one sentence for each reason why not everything was tried
  uint64_t states = 0;              ///< distinct states that were run from ...
  uint64_t again = 0;               ///< ... those among them that a kill during a next run left
  bool exhaustive = true;           ///< bounds is empty
};

/// `plain` must have ended well: REQUIRES an exit status in search.ack.ok_exit. Errors:
/// interrupted, internal, those of a probe.
Result<NextRunResult> RunAgainFromEveryState(Sandbox& sandbox, const Trace& plain,
                                             const NextRunSpec& spec);

}  // namespace oldornew
