// record: run a command in a copy and save what it did.
#include <cstdio>

#include "cli/commands.h"
#include "cli/session.h"

namespace oldornew {

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
  return trace.exit_status == 0 ? ExitCode::kClean : ExitCode::kBaselineFailed;
}

}  // namespace oldornew
