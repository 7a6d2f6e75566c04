// Notes: what in the environment of a recorded run may change the verdict elsewhere (oracles.md
// 19).
#pragma once

#include <string>
#include <vector>

#include "run/runner.h"
#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

/// Appends the notes of one recorded run to trace.notes: preloads and settings that swallow syncs,
/// root, calls that failed because of the sandbox's file system. `environment` is the complete one
/// that the program got.
void AddEnvironmentNotes(const Sandbox& sandbox, const RunSpec& run,
                         const std::vector<std::string>& environment, Trace& trace);

/// True when some call that was carried out changed something in a judged directory, or its trees
/// differ.
bool ChangedSomethingJudged(const Trace& trace);

/// "a, b, c and 4 more".
std::string NamedList(const std::vector<std::string>& names);

}  // namespace oldornew
