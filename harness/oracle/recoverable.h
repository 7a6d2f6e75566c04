// Recoverable (oracles.md 10, "Recoverable"): does the command get out of a state from which it has
// failed? The further runs are made by whoever asks.
#pragma once

#include <functional>

#include "base/result.h"
#include "trace/trace.h"

namespace oldornew {

/// Runs the command once more, from where the last run has left off.
using OnceMore = std::function<Result<Trace>()>;
using IsSo = std::function<bool(const Trace& run)>;

struct Wedge {
  bool wedged = false;    ///< it failed three times in a row
  bool piles_up = false;  ///< each of these runs has left more behind; only if it is wedged
};

/// Rule 10 Recoverable: a wedge is a state from which the command fails three times in a row.
/// `failed` is the first of these runs; others are made until one succeeds. Errors: those of
/// `once_more`.
Result<Wedge> FindWedge(const Trace& failed, const OnceMore& once_more, const IsSo& succeeded,
                        const IsSo& leaves_more);

/// Rule 11 Litter: two further runs leave more behind as well, each of them. Errors: those of
/// `once_more`.
Result<bool> KeepsPilingUp(const OnceMore& once_more, const IsSo& leaves_more);

}  // namespace oldornew
