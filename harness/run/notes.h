// Notes: what in the environment of a recorded run may make the verdict different elsewhere
// (oracles.md 19).
#pragma once

#include <string>
#include <vector>

#include "run/runner.h"
#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

/// Appends the notes of one recorded run to trace.notes: preloads and settings that turn off syncs,
/// root, calls that failed because of the sandbox's file system. `environment` is the complete one
/// that the program got.
void AddEnvironmentNotes(const Sandbox& sandbox, const RunSpec& run,
                         const std::vector<std::string>& environment, Trace& trace);

/// True when the old and new tree of a judged directory differ, or a successful call changed
/// something in one.
bool ChangedSomethingJudged(const Trace& trace);

/// "a, b, c and 4 more".
std::string NamedList(const std::vector<std::string>& names);

}  // namespace oldornew
