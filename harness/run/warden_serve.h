// The warden's own side: everything that happens after fork, in the keeper and in the warden
// (run/warden.h).
#pragma once

#include "run/view.h"

namespace oldornew {

/// Body of the keeper; never returns. REQUIRES: freshly forked.
[[noreturn]] void RunKeeper(const ViewPlan& plan, int socket, int lifeline);

}  // namespace oldornew
