// Next run: whatever a kill or a power cut left behind, the command run again from it must behave like a run
// from the old state or like one from the new state (oracles.md 10, 11).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "rerun/further_run.h"
#include "run/record.h"

namespace oldornew {

struct NextRunSpec {
  RunSpec run;                       ///< of the recorded run
  std::vector<std::string> recover;  ///< --recover: the command that is run next; empty: the recorded one
  std::vector<int> ok_exit = {0};
  bool after_kill = true;        ///< from what a SIGKILL after each call leaves: the page cache survives
  bool after_power_cut = false;  ///< from the crash states of `profiles`
  std::vector<const Profile*> profiles;
  Limits limits;
  uint64_t most_states = 300;  ///< distinct states to run from: those with the smallest deviations first
};

struct NextRunResult {
  std::vector<FurtherRun> runs;  ///< those with findings
  std::vector<Finding>
      findings;  ///< one for each kind of failure, the earliest state shown; `run` is an index
  std::vector<std::string> notes;
  uint64_t states = 0;  ///< distinct states that were run from
  bool exhaustive = true;
};

/// `plain` must have ended well: REQUIRES an exit status in ok_exit. Errors: interrupted, internal.
Result<NextRunResult> RunAgainFromEveryState(Sandbox& sandbox, const Trace& plain, const NextRunSpec& spec);

}  // namespace oldornew
