// Record: copies a directory, runs a command in the copy under the recorder and returns everything
// as a Trace.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "run/runner.h"
#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

struct RecordSpec {
  SandboxSpec sandbox;
  RunSpec run;  ///< the command, its standard input, environment and time limit
  /// --setup: run first, un-recorded; its result is the old state. Empty: none
  std::vector<std::string> setup;
};

struct Recording {
  Trace trace;  ///< with obstacles when it cannot be judged
  /// holds the new state; Sandbox::Present(trace.old_tree) brings the old one back
  std::unique_ptr<Sandbox> sandbox;
};

/// Adds the files that `command` names (its program, its words, paths inside shell text) to what
/// stays visible, read-only, wherever they lie. Names of files that do not exist do no harm. Record
/// does this for its own command and --setup.
void KeepVisible(const std::vector<std::string>& command, SandboxSpec* sandbox);

/// Errors: kUsage when the command cannot be started or the directory cannot be judged;
/// kBaselineFailed when --setup fails; kInterrupted. What only makes the run unjudgeable
/// (stragglers, a static program, mismatches) is an obstacle of the trace.
Result<Recording> Record(const RecordSpec& spec);

/// As above in a sandbox that exists (a faulted run, a next run): nothing is set up, the present
/// state is the old one.
Result<Trace> RecordIn(Sandbox& sandbox, const RunSpec& run);

/// Where `program` lies for a command started with `path` ($PATH) in `directory`; nullopt: nowhere.
std::optional<std::string> FindProgram(const std::string& program, const std::string& path,
                                       const std::string& directory);

}  // namespace oldornew
