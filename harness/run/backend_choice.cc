#include "run/backend_choice.h"

#include "base/text.h"
#include "interpose/launch.h"
#include "run/environment.h"
#include "run/find_program.h"
#include "run/tracing_probe.h"

namespace oldornew {
namespace {

/// Applies `check` (CheckEnterable or CheckTraceable) to the file that the command will start with.
Status CheckFirstImage(const Sandbox& sandbox, const RunSpec& run,
                       const std::vector<std::string>& environment,
                       Status (*check)(const std::string& path)) {
  const std::string directory = run.directory.empty() ? sandbox.working_directory() : run.directory;

  for (const std::string& candidate :
       ProgramCandidates(run.command[0], ValueIn(environment, "PATH"))) {
    const std::string seen =
        candidate.starts_with("/") ? candidate : JoinPath(directory, candidate);
    // A program in a private temporary directory has no copy: it is the machine's own file, kept
    // visible there.
    for (const std::string& path : {sandbox.OnDisk(seen), seen}) {
      if (!IsExecutableFile(path)) continue;
      Status accepted = check(path);
      if (accepted) return {};

      // People know the program by the path that the command sees, not by that of its copy.
      std::string message = accepted.error().message;
      if (const size_t at = message.find(path); at != std::string::npos)
        message.replace(at, path.size(), candidate);
      return tl::unexpected(Error{message, accepted.error().exit_code});
    }
  }
  return {};  // starting it will fail, with the right message
}

/// Errors: `instead` (why nothing faster works; empty: tracing was asked for) and why tracing does
/// not work either.
Status CheckTracingWorks(const std::string& instead) {
  auto works = ProbeTracing();
  if (works) return {};
  return FailWith(ExitCode::kCannotJudge,
                  "{}programs cannot be traced here: {} (oldornew doctor says more)",
                  instead.empty() ? "" : instead + ", and ", works.error().message);
}

}  // namespace

Result<BackendChoice> ChooseBackend(const Sandbox& sandbox, const RunSpec& run,
                                    const std::vector<std::string>& environment) {
  BackendChoice choice;
  if (run.command.empty()) return choice;  // Run reports that
  const auto check_image = [&](auto check) {
    return CheckFirstImage(sandbox, run, environment, check);
  };

  if (run.backend == Backend::kPtrace) {
    choice.traced = true;
    RETURN_IF_ERROR(check_image(CheckTraceable));
    RETURN_IF_ERROR(CheckTracingWorks(""));
    return choice;
  }

  // The preload library is the fast way. It needs Syscall User Dispatch and a program that loads
  // it.
  Status dispatch = ProbeUserDispatch();
  if (!dispatch && run.backend == Backend::kSud) {
    return FailWith(ExitCode::kCannotJudge,
                    "this machine cannot record: {} (oldornew doctor says more)",
                    dispatch.error().message);
  }

  Status enterable = dispatch ? check_image(CheckEnterable) : dispatch;
  if (enterable) return choice;
  if (run.backend == Backend::kSud) return tl::unexpected(enterable.error());

  // Tracing is complete but slow.
  RETURN_IF_ERROR(check_image(CheckTraceable));
  RETURN_IF_ERROR(CheckTracingWorks(enterable.error().message));
  choice.traced = true;
  if (!dispatch) {
    choice.note = fmt::format("recorded with ptrace, which is complete but slow: {}",
                              dispatch.error().message);
  }

  return choice;
}

}  // namespace oldornew
