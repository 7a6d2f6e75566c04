// Kill: processes of the run are killed. All of them at once at any moment, which the recording
// tells (search/kill_search.h); one of several while the others live on (the OOM killer), and
// SIGTERM and SIGINT, which a program may handle: each of these is a run of its own.
#pragma once

#include <cstdint>
#include <memory>

#include "explorers/explorer.h"

namespace oldornew {

struct KillOptions {
  /// Of killed processes, of SIGTERM and of SIGINT: more moments than that are thinned out.
  uint64_t most_of_each = 16;
};

std::unique_ptr<Explorer> MakeKillExplorer(const KillOptions& options);

}  // namespace oldornew
