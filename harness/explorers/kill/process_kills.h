// Process kills: one process of several dies, or the main process gets SIGTERM or SIGINT. Each is a
// run of its own, made from a survey.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "explorers/explorer.h"
#include "explorers/kill/kill.h"

namespace oldornew {

struct ProcessKills {
  Exploration found;       ///< findings, runs, notes and bounds
  uint64_t killed = 0;     ///< runs in which one process of several was killed ...
  uint64_t signalled = 0;  ///< ... and in which the main process got SIGTERM or SIGINT
};

/// `known`: paths that are known to be broken when everything is killed at once. Errors:
/// interrupted, internal, those of a checker.
Result<ProcessKills> KillProcesses(const Given& given, const KillOptions& options,
                                   const std::set<std::string>& known);

}  // namespace oldornew
