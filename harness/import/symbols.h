// Names of flags that strace prints in the arguments of several calls.
#pragma once

#include <vector>

#include "interpose/strace_value.h"

namespace oldornew::replay {

/// Types and permissions of st_mode.
const std::vector<PrintedSymbol>& StatModes();
const std::vector<PrintedSymbol>& CloneFlags();

}  // namespace oldornew::replay
