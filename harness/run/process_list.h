// The processes below one process, from /proc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oldornew {

struct ProcessInfo {
  int32_t pid = 0;
  int32_t parent = 0;
  char state = '?';  ///< as in /proc/pid/stat: 'Z' is a zombie
  std::string command;
};

/// All processes that /proc shows.
std::vector<ProcessInfo> ListProcesses();

/// Those of them that descend from `ancestor`, it excluded, zombies excluded; parents before
/// children.
std::vector<ProcessInfo> DescendantsOf(int32_t ancestor);

/// Command line of `pid` with spaces between its arguments; its name in brackets when it has none.
std::string CommandLine(int32_t pid);

/// Number of numeric entries in /proc: cheap, and never less than the number of our processes.
uint32_t CountProcesses();

/// Sends SIGSTOP to every descendant of the caller until no new one appears, so that a fork bomb
/// cannot outrun what follows.
void FreezeDescendants();

/// Sends SIGSTOP to everything in the caller's pid namespace, at once. REQUIRES: the caller is its
/// init.
void FreezeNamespace();

/// Sends SIGKILL to every descendant of the caller once. `whole_namespace`: the caller is init of
/// its pid namespace, and everything in it is meant. The caller reaps, and calls again until
/// nothing is left.
void KillDescendants(bool whole_namespace);

}  // namespace oldornew
