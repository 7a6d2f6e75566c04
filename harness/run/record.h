// Record: copies a directory, runs a command in the copy under the recorder and returns what
// happened as a Trace.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "run/find_program.h"
#include "run/runner.h"
#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

struct RecordSpec {
  SandboxSpec sandbox;
  RunSpec run;  ///< the command, its standard input, environment and time limit
  /// --setup: run first, without recording. What it leaves is the old state. Empty: none.
  std::vector<std::string> setup;
};

struct Recording {
  Trace trace;  ///< with obstacles when it cannot be judged
  /// holds the new state; Sandbox::Present(trace.old_tree) brings the old one back
  std::unique_ptr<Sandbox> sandbox;
};

/// Adds the files that `command` names (its program, its words, paths inside shell text) to what
/// stays visible, read-only, wherever they lie. Files that do not exist do no harm. Record does
/// this for its own command and for --setup.
void KeepVisible(const std::vector<std::string>& command, SandboxSpec* sandbox);

/// Whatever makes the run unfit for judgement (processes left running, a static program,
/// mismatches) is an obstacle of the trace, not an error. Errors:
///   kUsage           the command cannot be started, or the directory cannot be judged
///   kBaselineFailed  --setup failed
///   kInterrupted
Result<Recording> Record(const RecordSpec& spec);

/// The same in a sandbox that exists, for a run with faults or a next run: nothing is set up, and
/// what the sandbox holds now is the old state.
Result<Trace> RecordIn(Sandbox& sandbox, const RunSpec& run);

}  // namespace oldornew
