// Enumeration: all states of a history under one profile, small deviations first.
#pragma once

#include <functional>

#include "model/crash_state.h"
#include "model/history.h"
#include "model/profile.h"
#include "model/space.h"

namespace oldornew {

/// As ForEachCrashState (crash_states.h). REQUIRES: something survives on this row, and
/// limits.grain is the history's.
Coverage EnumerateStates(const History& history, const Profile& profile,
                         const Projection& projection, const Limits& limits,
                         const std::function<bool(const CrashState&)>& visit);

}  // namespace oldornew
