// Case: one thing that could happen to the program, as a value with a short text form, the token.
//
// A token is meaningful next to the saved trace; a .crash bundle holds both (finding/bundle.h).
// Whoever adds a kind of case adds an alternative here, its row in case.cc, and what Realise makes
// of it; reports visit the variant and need no other list of kinds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "model/crash_states.h"
#include "trace/trace.h"

namespace oldornew {

/// Power lost: the state `choice` of the profile (model/crash_states.h).
struct PowerCut {
  std::string profile;
  std::string choice;
  bool operator==(const PowerCut&) const = default;
};

/// Every process killed after `point` ops and, if `bytes` is not 0, so many bytes of the next one,
/// which is a write. The page cache survives.
struct Kill {
  uint32_t point = 0;
  uint64_t bytes = 0;
  bool operator==(const Kill&) const = default;
};

/// What a reader of the running machine sees after `point` ops: nothing went wrong.
struct Moment {
  uint32_t point = 0;
  bool operator==(const Moment&) const = default;
};

/// How a further run ended (lab/further_run.h).
struct EndOfRun {
  std::string run;  ///< FurtherRun::id
  bool operator==(const EndOfRun&) const = default;
};

struct Case {
  std::variant<PowerCut, Kill, Moment, EndOfRun> what = Moment{};
  std::string trace_id;  ///< first 8 hex digits of Trace::Identity(): of the trace it belongs to

  template <typename Kind>
  const Kind* As() const {
    return std::get_if<Kind>(&what);
  }
  bool operator==(const Case&) const = default;
};

/// The case `what` of that trace.
template <typename Kind>
Case CaseOf(const Trace& trace, Kind what) {
  return {std::move(what), trace.Identity().Short()};
}

/// The token: "power/PROFILE/CHOICE/TRACE", "kill/POINT/TRACE", "kill/POINT.BYTES/TRACE",
/// "live/POINT/TRACE", "end/RUN/TRACE". No spaces of ours; fit for a command line without quoting
/// unless the profile or the run needs it.
std::string FormatToken(const Case& which);

/// Errors (usage): not a token, with what was expected.
Result<Case> ParseToken(std::string_view token);

/// The profile of a power cut, "kill" or "live" for moments of the run, "" for the end of a run:
/// what reports show in the place of a profile.
std::string ProfileOf(const Case& which);

/// The state that the case stands for. Of a power cut: with everything that `projection` sees;
/// `profile`, if given, is used instead of the built-in row of its name. Errors (usage): the case
/// is of another trace, names an unknown profile or choice, or a moment that the trace does not
/// have.
Result<CrashState> Realise(const Trace& trace, const Case& which,
                           const Projection& projection = {{""}}, const Profile* profile = nullptr);

}  // namespace oldornew
