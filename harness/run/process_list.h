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

/// The living ones that descend from `ancestor`, without itself and without zombies; parents before
/// children.
std::vector<ProcessInfo> DescendantsOf(int32_t ancestor);

/// Command line of `pid` with spaces between its arguments, or its name in brackets when it has
/// none.
std::string CommandLine(int32_t pid);

/// Number of numeric entries in /proc. Cheap to get, and never less than the number of our
/// processes.
uint32_t CountProcesses();

/// Sends SIGSTOP to every descendant of the caller until no new one appears, so that a fork bomb
/// cannot outrun what follows.
void FreezeDescendants();

/// Sends SIGSTOP to everything in the caller's pid namespace, at once. REQUIRES: the caller is its
/// init.
void FreezeNamespace();

/// Sends SIGKILL once to every descendant of the caller. With `whole_namespace`, to everything in
/// its pid namespace, of which it must be init. The caller reaps, and calls again until nothing is
/// left.
void KillDescendants(bool whole_namespace);

}  // namespace oldornew
