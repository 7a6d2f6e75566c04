// One check as a value: record, explore, judge. What is said of it, and where it is kept, is the
// caller's business.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/options.h"
#include "finding/search.h"
#include "report/report.h"
#include "run/record.h"

namespace oldornew {

/// All that one check found out. `report` points into `recording` and `result`, so it lives as long
/// as they do.
struct Examination {
  Recording recording;
  SearchOptions search;
  SearchResult result;
  std::vector<FurtherRun> further;  ///< --vary-old, --next-run
  Report report;
};

/// What --profile, --watch, --ack and their like mean for the search. Errors: usage.
Result<SearchOptions> MakeSearchOptions(const Options& options);

/// Runs the command (or loads the trace), explores and judges. Errors: usage, interrupted,
/// internal; whatever only prevents a verdict is the judgement of the report.
Result<std::unique_ptr<Examination>> Examine(const Options& options, SearchOptions search);

}  // namespace oldornew
