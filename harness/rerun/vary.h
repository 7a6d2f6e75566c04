// Vary: runs the command from every variant of the old state and says where it does worse than from
// the plain one (--vary-old). What is judged is how each run ends; whether power cuts hurt it more
// is asked as well.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "rerun/further_run.h"
#include "rerun/variant.h"
#include "run/record.h"

namespace oldornew {

struct VarySpec {
  RunSpec run;           ///< of the plain run
  SearchOptions search;  ///< of the plain run, without probes
  /// ask what power cuts do to each run; false for what only --view or --check can judge
  bool power = true;
};

struct VaryResult {
  std::vector<FurtherRun> runs;
  std::vector<Finding> findings;  ///< Finding::run is an index into `runs`
  std::vector<std::string> notes;
  bool exhaustive = true;  ///< false: a bound was reached in the exploration of some variant
};

/// `plain` is the recorded run and `search` what was found in it; the sandbox is the one it was
/// recorded in and is left in the state of the last run. Errors: interrupted, internal. A plain run
/// that failed cannot be varied: REQUIRES an exit status that counts as success.
Result<VaryResult> VaryOldState(Sandbox& sandbox, const Trace& plain, const SearchResult& search,
                                const VarySpec& spec);

}  // namespace oldornew
