// Case: one thing that could happen to the program, as a value with a short text form, the token.
//
// A token works beside the saved trace; a .crash bundle holds both (finding/bundle.h). Today there is one
// kind of case, the loss of power; faults, kills and schedules will be further kinds with the same text form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/crash_states.h"
#include "trace/trace.h"

namespace oldornew {

/// Power lost: the state `choice` of profile `profile` (model/crash_states.h).
struct PowerCase {
  std::string profile;
  std::string choice;
  std::string trace_id;  ///< first 8 hex digits of Trace::Identity()
};

/// How a further run ended (rerun/): the command from another old state.
struct EndCase {
  std::string run;       ///< FurtherRun::id
  std::string trace_id;  ///< of that run's trace
};

/// "end/<run>/<trace id>".
std::string FormatToken(const EndCase& end_case);

/// nullopt: a token of another kind.
std::optional<EndCase> ParseEndToken(std::string_view token);

/// "power/<profile>/<choice>/<trace id>". No spaces; fit for a command line without quoting unless the
/// profile needs it.
std::string FormatToken(const PowerCase& power_case);

/// Errors (usage): not a token, with what was expected.
Result<PowerCase> ParseToken(std::string_view token);

/// The state a case stands for. Errors (usage): the token is of another trace, or names an unknown profile or
/// choice. `profile`, if given, is the row to use instead of the built-in one of that name.
Result<CrashState> Realise(const Trace& trace, const PowerCase& power_case,
                           const Projection& projection = {{""}}, const Profile* profile = nullptr);

}  // namespace oldornew
