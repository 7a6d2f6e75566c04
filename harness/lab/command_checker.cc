#include "lab/command_checker.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "run/runner.h"

namespace oldornew {

namespace {

// The command reads what had been printed through a descriptor: no path of ours is visible in the
// sandbox.
constexpr int kPrintedFd = 9;

Result<UniqueFd> FileOfBytes(const std::string& bytes) {
  UniqueFd fd(memfd_create("oldornew-stdout", MFD_CLOEXEC));
  if (!fd.valid()) return Fail("cannot make a file of what was printed: {}", ErrnoText(errno));
  if (pwrite(fd.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Fail("cannot keep what was printed: {}", ErrnoText(errno));
  }
  return fd;
}

}  // namespace

Checker MakeChecker(Sandbox* sandbox, const std::string& shell_command,
                    std::chrono::milliseconds time_limit) {
  if (shell_command.empty()) return {};
  return [sandbox, shell_command, time_limit](
             const FileTree& state, const CheckerContext& context) -> Result<CheckerAnswer> {
    RETURN_IF_ERROR(sandbox->Present(state));
    ASSIGN_OR_RETURN(const UniqueFd printed, FileOfBytes(context.printed));
    RunSpec spec;
    spec.command = {"sh", "-c", shell_command};
    spec.environment = {fmt::format("OLDORNEW_ACKED={}", context.acked),
                        fmt::format("OLDORNEW_STDOUT=/dev/fd/{}", kPrintedFd)};
    spec.time_limit = time_limit;
    spec.descriptors = {{printed.get(), kPrintedFd}};
    ASSIGN_OR_RETURN(const RunResult run, Run(*sandbox, spec));
    if (run.timed_out) {
      return FailWith(ExitCode::kBaselineFailed, "{} did not end within {} s on one of the states",
                      Quote(shell_command), std::chrono::duration<double>(time_limit).count());
    }
    return CheckerAnswer{run.exit_status, run.stdout_bytes};
  };
}

}  // namespace oldornew
