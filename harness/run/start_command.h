// Starting one command from the warden: the search in $PATH and the reasons for failure, as shells
// have them.
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

/// Starts the command with vfork (with a tracer: fork), in its own process group, without signals
/// blocked and without capabilities unless root. REQUIRES: one thread. The current directory is
/// changed to `directory`.
StartOutcome StartCommand(const StartSpec& spec);

}  // namespace oldornew
