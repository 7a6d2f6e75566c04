// states: every distinct state that the profiles allow, as JSON lines, and made real on request.
#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "cases/case.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "oracle/watch.h"
#include "report/report.h"

namespace oldornew {

Result<ExitCode> RunStates(const Options& options) {
  Options with_default = options;
  if (with_default.profiles.empty()) with_default.profiles = {"mainstream"};
  ASSIGN_OR_RETURN(const ChosenProfiles profiles, ChooseProfiles(with_default));
  if (!options.keep.empty()) RETURN_IF_ERROR(MakeEmptyDirectory(options.keep));
  ASSIGN_OR_RETURN(const Recording recording, ObtainTrace(options));
  const Trace& trace = recording.trace;
  for (const Obstacle& obstacle : trace.obstacles) {
    if (obstacle.kind == Obstacle::Kind::kUnproven) continue;
    return FailWith(ExitCode::kCannotJudge, "the recording cannot be judged: {}", obstacle.reason);
  }
  Projection projection{{""}};
  if (!options.watch.empty()) {
    projection.paths.clear();
    ASSIGN_OR_RETURN(const auto subjects, ChooseSubjects(trace, {options.watch, {}}));
    for (const Subject& subject : subjects) {
      const Projection more = ProjectionOf(trace, subject);
      projection.paths.insert(projection.paths.end(), more.paths.begin(), more.paths.end());
    }
  }
  Limits limits;
  limits.grain = options.grain;
  if (options.max_states != 0) limits.max_states = options.max_states;
  uint64_t number = 0;
  bool exhaustive = true;
  Status status;
  for (const Profile* profile : profiles.asked) {
    const Coverage coverage =
        ForEachCrashState(trace, *profile, projection, limits, [&](const CrashState& state) {
          const std::string token =
              FormatToken(CaseOf(trace, PowerCut{profile->name, state.choice}));
          std::fputs(JsonState(trace, state, token, profile->name).c_str(), stdout);
          ++number;
          if (options.keep.empty()) return true;
          const std::string directory = JoinPath(options.keep, fmt::format("{:06}", number));
          status = MakeDirectories(directory);
          if (status) status = WriteTo(state.tree, directory);
          return status.has_value();
        });
    RETURN_IF_ERROR(status);
    exhaustive = exhaustive && coverage.exhaustive;
  }
  std::fputs(
      fmt::format("oldornew: {} (grain: {}), {}\n", Count(number, "state"), GrainName(limits.grain),
                  exhaustive ? "exhaustive" : "BOUNDED: raise --max-states")
          .c_str(),
      stderr);
  return exhaustive || options.accept_bounded ? ExitCode::kClean : ExitCode::kBounded;
}

}  // namespace oldornew
