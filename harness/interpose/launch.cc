#include "interpose/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "interpose/image.h"
#include "interpose/wire.h"

namespace oldornew {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLibrary = "liboldornew_preload.so";
constexpr std::string_view kAsanOption = "verify_asan_link_order=0";

// ---- the probe's child: nothing but system calls

constexpr int kSetDispatch = 59;  // PR_SET_SYSCALL_USER_DISPATCH, missing from older headers
constexpr long kAnswer = 0x6f6c64;

// What the child finds out is its exit status: 0, or an errno, or one of these.
constexpr int kNotDispatched = 201;

volatile char probe_selector = 0;

void AnswerProbe(int, siginfo_t*, void* context) {
  // SYSCALL_DISPATCH_FILTER_ALLOW: from here on, and for the sigreturn, nothing is dispatched
  probe_selector = 0;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = kAnswer;
}

[[noreturn]] void RunProbe() {
  struct sigaction action = {};
  action.sa_sigaction = AnswerProbe;
  action.sa_flags = SA_SIGINFO;
  sigset_t unblocked;
  sigemptyset(&unblocked);
  sigaddset(&unblocked, SIGSYS);
  if (sigaction(SIGSYS, &action, nullptr) != 0 ||
      sigprocmask(SIG_UNBLOCK, &unblocked, nullptr) != 0)
    _exit(errno);
  if (prctl(kSetDispatch, 1, 0, 0, &probe_selector) != 0) _exit(errno);
  probe_selector = 1;
  const long answer = syscall(SYS_getppid);
  probe_selector = 0;
  _exit(answer == kAnswer ? 0 : kNotDispatched);
}

std::string Explain(int code) {
  switch (code) {
    case EINVAL:
    case ENOSYS:
      return "this kernel has no Syscall User Dispatch (Linux 5.11 or later on x86-64 has; "
             "emulators and "
             "sandboxes such as gVisor "
             "do not), or another recorder has taken it";
    case EPERM:
      return "Syscall User Dispatch is switched off (sysctl kernel.syscall_user_dispatch)";
    case kNotDispatched:
      return "the kernel accepts Syscall User Dispatch but does not dispatch";
    default:
      return "arming Syscall User Dispatch fails: " + ErrnoText(code);
  }
}

struct LibcCaller {
  long operator()(long nr, long a, long b, long c, long d, long e) const {
    const long result = syscall(nr, a, b, c, d, e);
    return result == -1 ? -errno : result;
  }
};

bool Starts(const std::string& text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

}  // namespace

Status ProbeUserDispatch() {
  if (const char* off = getenv("OLDORNEW_NO_SUD");
      off != nullptr && *off != 0 && std::string_view(off) != "0")
    return FailWith(ExitCode::kCannotJudge,
                    "Syscall User Dispatch is switched off by OLDORNEW_NO_SUD");
  static std::atomic<bool> works = false;
  if (works) return {};
  const pid_t child = fork();
  if (child < 0) return Fail("cannot fork: {}", ErrnoText(errno));
  if (child == 0) RunProbe();
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return Fail("cannot wait for the probe: {}", ErrnoText(errno));
  }

  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    works = true;
    return {};
  }

  if (WIFEXITED(status))
    return FailWith(ExitCode::kCannotJudge, "{}", Explain(WEXITSTATUS(status)));

  return FailWith(ExitCode::kCannotJudge,
                  "arming Syscall User Dispatch kills the process (signal {})", WTERMSIG(status));
}

Result<std::string> FindPreload() {
  std::vector<std::string> candidates;
  if (const char* given = getenv("OLDORNEW_PRELOAD"); given != nullptr && *given != 0) {
    candidates.push_back(given);
  } else {
    std::error_code error;
    const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
    if (error) {
      return FailWith(ExitCode::kCannotJudge,
                      "cannot read /proc/self/exe ({}): /proc must be mounted", error.message());
    }
    fs::path up = here;
    for (int level = 0; level < 4;
         ++level) {  // the build tree: build/harness/oldornew, build/bench/..., build/fuzz/...
      for (const char* below : {"interpose/preload", "harness/interpose/preload"})
        candidates.push_back(up / below / kLibrary);
      up = up.parent_path();
    }
    candidates.push_back(here / kLibrary);
    for (const char* lib : {"lib", "lib64", "lib/x86_64-linux-gnu"}) {
      candidates.push_back(here.parent_path() / lib / "oldornew" / kLibrary);
    }
  }

  for (const std::string& candidate : candidates) {
    std::error_code error;
    const fs::path path = fs::canonical(candidate, error);
    if (error) continue;
    if (path.string().find_first_of(": $") != std::string::npos) {
      return FailWith(
          ExitCode::kCannotJudge,
          "LD_PRELOAD cannot express the path {}: copy it elsewhere and set OLDORNEW_PRELOAD",
          path.string());
    }
    if (path.filename() != kLibrary)
      return FailWith(ExitCode::kUsage, "OLDORNEW_PRELOAD must name a file {}", kLibrary);
    return path.string();
  }

  std::string places;
  for (const std::string& candidate : candidates) places += "\n  " + candidate;

  return FailWith(ExitCode::kCannotJudge, "cannot find {}; looked for:{}", kLibrary, places);
}

std::vector<std::string> PreloadEnvironment(std::vector<std::string> environment,
                                            const std::string& preload_path,
                                            const std::string& recording_path) {
  bool has_preload = false, has_asan = false;
  std::erase_if(environment, [](const std::string& variable) {
    return Starts(variable, wire::kRecordingVariable) || Starts(variable, "OLDORNEW_ARM=");
  });
  for (std::string& variable : environment) {
    if (Starts(variable, "LD_PRELOAD=")) {
      const std::string others = variable.substr(11);
      variable = "LD_PRELOAD=" + preload_path + (others.empty() ? "" : ":" + others);
      has_preload = true;
    }
    if (Starts(variable, "ASAN_OPTIONS=")) {
      has_asan = true;
      if (variable.find("verify_asan_link_order") == std::string::npos) {
        variable += (variable.size() > 13 ? ":" : "") + std::string(kAsanOption);
      }
    }
  }

  if (!has_preload) environment.push_back("LD_PRELOAD=" + preload_path);
  if (!has_asan) environment.push_back("ASAN_OPTIONS=" + std::string(kAsanOption));
  environment.push_back(recording_path.empty() ? "OLDORNEW_ARM=1"
                                               : wire::kRecordingVariable + recording_path);

  return environment;
}

namespace {

Status CheckImage(const std::string& path, bool traced) {
  LibcCaller caller;
  image::ImageVerdict verdict;
  image::Inspect(caller, AT_FDCWD, path.c_str(), 0, &verdict);
  if (verdict.obstacle == nullptr || (traced && verdict.traceable)) return {};
  const std::string name = verdict.interpreter[0] != 0 ? std::string(verdict.interpreter) : path;
  return FailWith(ExitCode::kCannotJudge, "{} {}: it cannot be {}", name, verdict.obstacle,
                  traced ? "traced as it runs otherwise" : "entered by the preload library");
}

}  // namespace

Status CheckEnterable(const std::string& path) { return CheckImage(path, false); }

Status CheckTraceable(const std::string& path) { return CheckImage(path, true); }

}  // namespace oldornew
