#include "run/start_command.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/result.h"
#include "base/text.h"
#include "interpose/ptrace/tracer.h"
#include "run/find_program.h"

namespace oldornew {
namespace {

/// Everything that the vforked child needs. It is made before the vfork, because the child shares
/// our memory and may only make system calls.
struct ChildPlan {
  std::vector<const char*> candidates;
  std::vector<char*> arguments;        // of the command
  std::vector<char*> shell_arguments;  // "/bin/sh", candidate, rest: for scripts without #!
  std::vector<char*> environment;
  std::vector<std::pair<int, int>> descriptors;
  bool drop_capabilities = false;
  ptrace::Tracer* tracer = nullptr;
};

struct ChildResult {
  bool failed = false;  // set last, by a child that could not start the command
  bool untraceable = false;
  int error = 0;
  const char* candidate = nullptr;  // the one that `error` is about
};

bool LooksLikeBinary(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  char head[80];
  const ssize_t got = read(fd, head, sizeof head);
  close(fd);

  // Shells decide like this: a NUL before the end of the first line.
  for (ssize_t i = 0; i < got && head[i] != '\n'; ++i) {
    if (head[i] == '\0') return true;
  }
  return false;
}

void TryCandidates(ChildPlan& plan, ChildResult& result) {
  for (const char* candidate : plan.candidates) {
    execve(candidate, plan.arguments.data(), plan.environment.data());
    int error = errno;
    if (error == ENOEXEC && !LooksLikeBinary(candidate)) {
      plan.shell_arguments[1] = const_cast<char*>(candidate);
      execve("/bin/sh", plan.shell_arguments.data(), plan.environment.data());
      error = errno;
    }

    // We report the first error that does not mean "not here". The search continues after EACCES,
    // as in execvp. A directory in $PATH that we may not look into counts as "not here".
    struct stat st;
    const bool hidden = error == EACCES && plan.candidates.size() > 1 && stat(candidate, &st) != 0;
    const bool absent = error == ENOENT || error == ENOTDIR || hidden;
    if (hidden) error = ENOENT;

    if (result.candidate == nullptr ||
        (!absent && (result.error == ENOENT || result.error == ENOTDIR))) {
      result.error = error;
      result.candidate = candidate;
    }
    if (!absent && error != EACCES) return;
  }
}

[[noreturn]] void Child(ChildPlan& plan, ChildResult& result) {
  setpgid(0, 0);

  if (plan.tracer != nullptr && !plan.tracer->WaitToBeTraced()) {
    result.untraceable = true;
    result.failed = true;
    _exit(126);
  }

  close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
  for (const auto& [from, to] : plan.descriptors) {
    if (dup2(from, to) < 0) {
      result.error = errno;
      result.failed = true;
      _exit(126);
    }
  }

  // In a user namespace we have all capabilities. The command must not have them.
  if (plan.drop_capabilities) {
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[2] = {};
    syscall(SYS_capset, &header, none);
  }

  sigset_t empty;
  sigemptyset(&empty);
  sigprocmask(SIG_SETMASK, &empty, nullptr);

  TryCandidates(plan, result);
  result.failed = true;
  _exit(126);
}

[[gnu::noinline]] pid_t Launch(ChildPlan& plan, ChildResult& result) {
  const pid_t pid = vfork();
  if (pid == 0) Child(plan, result);
  return pid;
}

/// Forks with a copy of our memory. With vfork we would sleep until the child's exec, but as its
/// tracer we have work to do before that.
[[gnu::noinline]] pid_t LaunchTraced(ChildPlan& plan, ChildResult& result) {
  void* page =
      mmap(nullptr, sizeof result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return -1;
  auto* shared = new (page) ChildResult;

  const pid_t pid = fork();
  if (pid == 0) Child(plan, *shared);
  if (pid > 0) {
    if (!plan.tracer->Attach(pid)) shared->untraceable = shared->failed = true;
    int status;
    while (plan.tracer->Launching(pid)) {
      if (waitpid(pid, &status, __WALL) != pid) continue;
      if (!plan.tracer->Handle(pid, status)) break;  // it has ended
    }
  }

  result = *shared;
  munmap(page, sizeof result);
  return pid;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

/// Moves each descriptor to a number that no target has, so that dup2 in the child cannot overwrite
/// one it still needs. Numbers that were in the way stay open until the caller closes `junk`.
void MoveOutOfTheWay(std::vector<std::pair<int, int>>& descriptors, std::vector<UniqueFd>& junk) {
  std::vector<int> targets;
  for (const auto& pair : descriptors) targets.push_back(pair.second);

  for (auto& pair : descriptors) {
    int fd = fcntl(pair.first, F_DUPFD_CLOEXEC, 3);
    while (fd >= 0) {
      junk.emplace_back(fd);
      if (std::find(targets.begin(), targets.end(), fd) == targets.end()) break;
      fd = fcntl(pair.first, F_DUPFD_CLOEXEC, 3);
    }
    pair.first = fd;
  }
}

void Explain(const std::string& program, const ChildResult& result, StartOutcome& outcome) {
  struct stat st;
  const bool there = result.candidate != nullptr && stat(result.candidate, &st) == 0;
  const bool absent = result.error == ENOENT || result.error == ENOTDIR;

  if (there && S_ISDIR(st.st_mode)) {
    outcome.problem = program + ": is a directory";
  } else if (result.candidate == nullptr || (absent && !there)) {
    outcome.not_found = true;
    outcome.problem =
        program + (program.find('/') == std::string::npos ? ": command not found"
                                                          : ": no such file or directory");
  } else if (absent) {
    outcome.not_found = true;
    outcome.problem =
        program + ": cannot execute: its interpreter or dynamic loader does not exist";
  } else if (result.error == ENOEXEC) {
    outcome.problem = program + ": cannot execute binary file: " + ErrnoText(ENOEXEC);
  } else {
    outcome.problem = fmt::format("{}: cannot execute: {}", program, ErrnoText(result.error));
  }
}

}  // namespace

StartOutcome StartCommand(const StartSpec& spec) {
  StartOutcome outcome;
  if (chdir(spec.directory.c_str()) != 0) {
    outcome.problem =
        fmt::format("cannot enter the directory {}: {}", spec.directory, ErrnoText(errno));
    return outcome;
  }

  // The search follows the command's own $PATH. Without one, shells use a default.
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& entry : spec.environment) {
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  }

  const std::vector<std::string> candidates = ProgramCandidates(spec.command[0], path);
  ChildPlan plan;
  for (const std::string& candidate : candidates) {
    struct stat st;
    // A directory in $PATH that has the program's name is skipped, as shells do.
    if (candidates.size() > 1 && stat(candidate.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) continue;
    plan.candidates.push_back(candidate.c_str());
  }

  plan.arguments = Pointers(spec.command);
  plan.shell_arguments = plan.arguments;
  std::string shell = "/bin/sh";
  plan.shell_arguments.insert(plan.shell_arguments.begin(), shell.data());
  plan.environment = Pointers(spec.environment);
  plan.descriptors = spec.descriptors;
  plan.drop_capabilities = geteuid() != 0;

  std::vector<UniqueFd> junk;
  MoveOutOfTheWay(plan.descriptors, junk);

  ChildResult result;
  plan.tracer = spec.tracer;
  const pid_t pid = plan.tracer != nullptr ? LaunchTraced(plan, result) : Launch(plan, result);
  if (pid < 0) {
    outcome.problem = fmt::format("cannot make a process: {}", ErrnoText(errno));
  } else if (result.failed) {
    waitpid(pid, nullptr, 0);
    if (result.untraceable) {
      outcome.problem = spec.command[0] + ": cannot be traced";
    } else {
      Explain(spec.command[0], result, outcome);
    }
  } else {
    outcome.pid = pid;
  }

  return outcome;
}

}  // namespace oldornew
