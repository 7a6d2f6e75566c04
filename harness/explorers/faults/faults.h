// Faults: the command is run again and again, each time with one thing going wrong: calls that fail
// once or from then on, short counts, full disks, errors reported of what was done. How each run
// ends is judged (oracle/end_judge.h), and so is what a power cut does to those that took another
// path than the plain one (power_after_faults.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "explorers/explorer.h"

namespace oldornew {

struct FaultOptions {
  bool all_errors = false;    ///< --faults all: every row of both tables
  int depth = 1;              ///< --fault-depth: the later calls of a faulted run fail too, so deep
  uint64_t most_runs = 1000;  ///< more cases than that are not tried: bounded
  /// --inject: exactly this, in one run; empty: everything
  std::vector<std::string> by_hand;
  /// Called before the first case is tried with the number of cases there will be; of each further
  /// depth again. May be empty.
  std::function<void(uint64_t cases)> announce;
};

std::unique_ptr<Explorer> MakeFaultExplorer(FaultOptions options);

}  // namespace oldornew
