// ProbeSearch: the search when the user's own command judges: --view (logical old-or-new, oracles.md 3) or
// --check.
#pragma once

#include "finding/collector.h"
#include "finding/search.h"

namespace oldornew {

/// Adds violations to `collector` and coverage and notes to `result`. The command sees the whole judged
/// directory, files that match options.volatile_globs absent; findings name ".", the judged directory as a
/// whole. One command run for each distinct state; answers are remembered by state. Errors: kBaselineFailed
/// when --check rejects the old or the new state itself; kUsage when --view prints something different on the
/// same state. `promises` holds the acknowledgements and must outlive the collector's Take.
Status SearchWithProbes(const Trace& trace, const SearchOptions& options, const VersionHistory& promises,
                        Collector* collector, SearchResult* result);

}  // namespace oldornew
