// record: run a command in a copy and save what it did.
#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"

namespace oldornew {

namespace {

/// Errors (usage): an injection that the user asked for has never happened.
Status CheckInjections(const Trace& trace) {
  for (size_t i = 0; i < trace.plan.size(); ++i) {
    const auto is_it = [&](const FileCall& call) {
      return call.injection == static_cast<int32_t>(i);
    };
    if (std::any_of(trace.file_calls.begin(), trace.file_calls.end(), is_it)) continue;
    return FailWith(ExitCode::kUsage, "the injection {} never happened: {} matched", trace.plan[i],
                    Count(trace.plan_matches.at(i), "call"));
  }
  return {};
}

}  // namespace

Result<ExitCode> RunRecord(const Options& options) {
  ASSIGN_OR_RETURN(const Recording recording, ObtainTrace(options));
  const Trace& trace = recording.trace;
  if (!options.quiet) {
    std::fwrite(trace.stdout_bytes.data(), 1, trace.stdout_bytes.size(), stdout);
    std::fflush(stdout);
    std::fwrite(trace.stderr_bytes.data(), 1, trace.stderr_bytes.size(), stderr);
  }
  RETURN_IF_ERROR(SaveTrace(trace, options.trace_path));
  if (!trace.obstacles.empty()) return ExitCode::kCannotJudge;
  RETURN_IF_ERROR(CheckInjections(trace));
  if (!trace.plan.empty()) return ExitCode::kClean;  // how the command takes it is what was asked
  return trace.exit_status == 0 ? ExitCode::kClean : ExitCode::kBaselineFailed;
}

}  // namespace oldornew
