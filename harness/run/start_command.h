// Starts one command from the warden. The search in $PATH and the messages about failures are those
// of a shell.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace oldornew {

namespace ptrace {
class Tracer;
}

struct StartSpec {
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string directory;
  std::vector<std::pair<int, int>> descriptors;  ///< (here, number there)
  ptrace::Tracer* tracer = nullptr;              ///< traces the command from its first image on
};

struct StartOutcome {
  pid_t pid = -1;  ///< -1: not started
  bool not_found = false;
  std::string problem;  ///< "foo: command not found"
};

/// Starts the command with vfork (with a tracer: fork), in its own process group, with no signals
/// blocked, and without capabilities unless we are root. Changes the current directory to
/// `directory`. REQUIRES: one thread.
StartOutcome StartCommand(const StartSpec& spec);

}  // namespace oldornew
