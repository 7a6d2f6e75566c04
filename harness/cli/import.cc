// import: a trace from a log that strace wrote elsewhere.
#include "import/import.h"

#include "cli/commands.h"
#include "cli/session.h"

namespace oldornew {

Result<ExitCode> RunImport(const Options& options) {
  ASSIGN_OR_RETURN(const Recording recording, ObtainTrace(options));
  const Trace& trace = recording.trace;
  RETURN_IF_ERROR(SaveTrace(trace, options.trace_path));
  if (!trace.CanBeJudged()) return ExitCode::kCannotJudge;
  return trace.exit_status == 0 ? ExitCode::kClean : ExitCode::kBaselineFailed;
}

}  // namespace oldornew
