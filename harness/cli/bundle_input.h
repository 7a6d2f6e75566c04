// What replay and explain take: a .crash bundle, or a token beside its trace, and the row of the
// table it belongs to.
#pragma once

#include <optional>
#include <string>

#include "cli/options.h"
#include "finding/bundle.h"

namespace oldornew {

/// --trace, or the trace of the last check.
std::string TracePathOf(const Options& options);

/// The bundle that options.input names: a .crash file, or a token beside the trace at
/// TracePathOf(options). Errors: usage.
Result<Bundle> LoadBundle(const Options& options);

/// The row to realise the token with; nullopt for a token that belongs to none. A state belongs to
/// the row it was found in: when the table has changed since, the old row is used, and that is said
/// on standard error, since what it shows may be something the file system is no longer thought to
/// do. Errors: usage.
Result<std::optional<Profile>> RowOf(const Options& options, const Bundle& bundle);

}  // namespace oldornew
