// Every state of the disk that a power cut can leave behind, for one recorded run and one profile.
//
// Crash point p = power lost after p ops of the trace had returned (and while op p, counted from 0,
// was possibly under way); p runs from 0 to ops.size(). Only what the projection sees counts: two
// states that show the same bytes, kinds, targets and attributes at the projected paths are one
// state. Which states there are is the norm of docs/model.md; how they are found is the Method at
// the head of crash_states.cc.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "model/crash_state.h"
#include "model/profile.h"
#include "model/space.h"
#include "trace/trace.h"

namespace oldornew {

class History;

/// Calls `visit` once for each distinct state, in a fixed order, small deviations first; stops when
/// it returns false (which is not a loss of exhaustiveness: `exhaustive` says whether the states
/// were all computed).
Coverage ForEachCrashState(const Trace& trace, const Profile& profile, const Projection& projection,
                           const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit);

/// The same with a History built once: for many profiles and projections of one trace this saves
/// most of the work.
Coverage ForEachCrashState(const History& history, const Profile& profile,
                           const Projection& projection, const Limits& limits,
                           const std::function<bool(const CrashState&)>& visit);

/// The one state that `choice` (from ForEachCrashState of the same trace and profile) stands for.
/// What the choice does not mention is not lost. With a wider projection than the one it was found
/// with, the rest of the tree is shown as it is when nothing more is lost. Errors: a choice that
/// does not fit this trace and profile (ExitCode::kUsage).
Result<CrashState> RealiseChoice(const Trace& trace, const Profile& profile,
                                 std::string_view choice, const Projection& projection = {{""}});

/// The same with a History built once. Errors also: `history` is of another grain than the choice.
Result<CrashState> RealiseChoice(const History& history, const Profile& profile,
                                 std::string_view choice, const Projection& projection = {{""}});

}  // namespace oldornew
