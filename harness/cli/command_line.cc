#include <cstdio>

#include "cli/commands.h"
#include "run/runner.h"

namespace oldornew {

namespace {

Result<ExitCode> Dispatch(const Options& options, const AxisTable& axes) {
  switch (options.subcommand) {
    case Subcommand::kCheck:
      return RunCheck(options, axes);
    case Subcommand::kRecord:
      return RunRecord(options);
    case Subcommand::kShow:
      return RunShow(options);
    case Subcommand::kReplay:
      return RunReplay(options);
    case Subcommand::kStates:
      return RunStates(options);
    case Subcommand::kExplain:
      return RunExplain(options);
    case Subcommand::kImport:
      return RunImport(options);
    case Subcommand::kDoctor:
      return RunDoctor(options);
    case Subcommand::kProfiles:
      return RunProfiles(options);
  }
  return ExitCode::kInternal;
}

int Fail(const Error& error) {
  std::fflush(stdout);
  std::fprintf(stderr, "oldornew: %s\n", error.message.c_str());
  return static_cast<int>(error.exit_code);
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv, const AxisTable& axes) {
  const auto parsed = ParseCommandLine(argc, argv, axes);
  if (!parsed) return Fail(parsed.error());
  if (!parsed->print.empty()) {
    std::fputs(parsed->print.c_str(), stdout);
    return 0;
  }
  CatchInterrupts();
  const auto exit_code = Dispatch(parsed->options, axes);
  if (!exit_code) return Fail(exit_code.error());
  if (std::fflush(stdout) != 0)
    return Fail({"cannot write to standard output", ExitCode::kInternal});
  return static_cast<int>(*exit_code);
}

}  // namespace oldornew
