// The subcommands, one file each: they print to stdout and stderr, and their exit code is the
// process's.
#pragma once

#include "base/result.h"
#include "cli/options.h"

namespace oldornew {

Result<ExitCode> RunCheck(const Options& options, const AxisTable& axes);
/// `check` of scenario files instead of one command.
Result<ExitCode> RunScenarios(const Options& options, const AxisTable& axes);
Result<ExitCode> RunRecord(const Options& options);
Result<ExitCode> RunShow(const Options& options);
Result<ExitCode> RunReplay(const Options& options);
Result<ExitCode> RunExplain(const Options& options);
Result<ExitCode> RunStates(const Options& options);
Result<ExitCode> RunImport(const Options& options);
Result<ExitCode> RunDoctor(const Options& options);
Result<ExitCode> RunProfiles(const Options& options);

/// What main() does: parse, run, print an error as one line "oldornew: ...".
int RunCommandLine(int argc, const char* const* argv, const AxisTable& axes = AxisTable::BuiltIn());

}  // namespace oldornew
