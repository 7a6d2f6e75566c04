// Fault explorer: the command run again and again, each time with one thing going wrong: calls that
// fail once or from then on, short counts, full disks, errors told of what was done. How each run
// ends is judged (rerun/fault_judge.h), and so is what a power cut does to those that went another
// way than the plain one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "rerun/fault_case.h"
#include "rerun/further_run.h"
#include "run/record.h"

namespace oldornew {

struct FaultSpec {
  RunSpec run;           ///< of the plain run
  SearchOptions search;  ///< of the plain run. With a probe for --view that one judges how runs end
  bool all_errors = false;    ///< --faults all: every row of both tables
  int depth = 1;              ///< --fault-depth: the later calls of a faulted run fail too, so deep
  uint64_t most_runs = 1000;  ///< more cases than that are not tried: bounded
  std::vector<std::string> by_hand;  ///< --inject: exactly this, in one run; empty: everything
  /// Told before the first of them is tried how many cases there will be; of each further depth
  /// again.
  std::function<void(uint64_t cases)> announce;
};

/// What a faulted run left, to start next runs from.
struct FaultEnd {
  FileTree tree;
  std::string scene;  ///< "after ENOSPC at 3 write(f.tmp)"
  std::string id;     ///< FurtherRun::id
};

struct FaultResult {
  std::vector<FurtherRun> runs;   ///< those with findings, and those that could not be judged
  std::vector<Finding> findings;  ///< Finding::run is an index into `runs`
  std::vector<std::string> notes;
  std::vector<std::string> bounds;  ///< one sentence for each reason why not everything was tried
  std::vector<FaultEnd> ends;       ///< distinct ones, none as before or after the plain run
  uint64_t cases = 0;               ///< faulted runs, by plan
  uint64_t diverged = 0;            ///< cases in which something else failed than was meant, twice
  std::string summary;              ///< "84 cases: 40 errors once, ..., 0 diverged"
  bool exhaustive = true;           ///< bounds is empty
};

/// `plain` must have ended well: REQUIRES an exit status in search.ack.ok_exit. `found`: what was
/// found in the plain run. The sandboxes are alike and hold whatever they hold; several are used
/// side by side. Full disks are tried if they lie in memory. Errors: interrupted, internal, usage
/// (--inject).
Result<FaultResult> InjectFaults(const std::vector<Sandbox*>& sandboxes, const Trace& plain,
                                 const SearchResult& found, const FaultSpec& spec);

}  // namespace oldornew
