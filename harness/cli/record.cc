// record: run a command in a copy and save what it did.
#include <cstdio>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "trace/format.h"

namespace oldornew {

Result<ExitCode> RunRecord(const Options& options) {
  ASSIGN_OR_RETURN(const Recording recording, ObtainTrace(options));
  const Trace& trace = recording.trace;
  if (!options.quiet) {
    std::fwrite(trace.stdout_bytes.data(), 1, trace.stdout_bytes.size(), stdout);
    std::fflush(stdout);
    std::fwrite(trace.stderr_bytes.data(), 1, trace.stderr_bytes.size(), stderr);
  }
  const std::string path = options.trace_path.empty() ? "oldornew.trace" : options.trace_path;
  RETURN_IF_ERROR(WriteTrace(trace, path));
  std::string summary = fmt::format(
      "oldornew: {}: {} of {}, exit status {}, {}\n", path, Count(trace.ops.size(), "op"),
      trace.processes.size() == 1 ? "1 process" : fmt::format("{} processes", trace.processes.size()),
      trace.exit_status, trace.obstacles.empty() ? "complete" : "cannot be judged:");
  for (const Obstacle& obstacle : trace.obstacles)
    summary += fmt::format("oldornew:   {}\n", obstacle.reason);
  std::fputs(summary.c_str(), stderr);
  if (!trace.obstacles.empty()) return ExitCode::kCannotJudge;
  return trace.exit_status == 0 ? ExitCode::kClean : ExitCode::kBaselineFailed;
}

}  // namespace oldornew
