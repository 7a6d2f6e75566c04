// Case: one thing that could happen to the program, as a value with a short text form, the token.
//
// A token works beside the saved trace; a .crash bundle holds both (finding/bundle.h). The kinds of
// case: the loss of power, a kill, a moment of the run itself, and the end of a further run.
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

/// "power/<profile>/<choice>/<trace id>". No spaces; fit for a command line without quoting unless
/// the profile needs it.
std::string FormatToken(const PowerCase& power_case);

/// Errors (usage): not a token, with what was expected.
Result<PowerCase> ParseToken(std::string_view token);

/// What a finding of the run itself has in place of a file system profile.
inline constexpr const char* kLiveProfile = "live";

/// What a reader of the running machine sees after `point` ops: no crash.
struct LiveCase {
  uint32_t point = 0;
  std::string trace_id;
};

/// "live/<point>/<trace id>".
std::string FormatToken(const LiveCase& live_case);

/// True when the text has the form of such a token, well-formed or not.
bool IsLiveToken(std::string_view token);
/// Errors (usage): not such a token.
Result<LiveCase> ParseLiveToken(std::string_view token);
/// The page cache's view. Errors (usage): the token is of another trace, or its point lies behind
/// the end.
Result<CrashState> Realise(const Trace& trace, const LiveCase& live_case);

/// What a finding of a kill has in place of a file system profile.
inline constexpr const char* kKillProfile = "kill";

/// What readers find when all processes were killed after `point` ops, or, with bytes, so far into
/// the write that comes next (explore/kill_states.h).
struct KillCase {
  uint32_t point = 0;
  uint64_t bytes = 0;
  std::string trace_id;
};

/// "kill/<point>/<trace id>" or "kill/<point>.<bytes>/<trace id>".
std::string FormatToken(const KillCase& kill_case);
bool IsKillToken(std::string_view token);
/// Errors (usage): not such a token.
Result<KillCase> ParseKillToken(std::string_view token);
/// Errors (usage): the token is of another trace, or of a moment that it does not have.
Result<CrashState> Realise(const Trace& trace, const KillCase& kill_case);

/// The state a token of a PowerCase, LiveCase or KillCase stands for, with the name of its profile
/// ("live", "kill" for the latter two).
struct Realised {
  CrashState state;
  std::string profile;
};
Result<Realised> RealiseToken(const Trace& trace, std::string_view token,
                              const Projection& projection = {{""}},
                              const Profile* profile = nullptr);

/// The state a case stands for. Errors (usage): the token is of another trace, or names an unknown
/// profile or choice. `profile`, if given, is the row to use instead of the built-in one of that
/// name.
Result<CrashState> Realise(const Trace& trace, const PowerCase& power_case,
                           const Projection& projection = {{""}}, const Profile* profile = nullptr);

}  // namespace oldornew
