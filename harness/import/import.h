// ImportStrace: a Trace from a log that strace wrote elsewhere. docs/import.md says how to write
// one, what can be learnt from it and what not.
#pragma once

#include <string>

#include "base/result.h"
#include "trace/trace.h"

namespace oldornew {

struct ImportSpec {
  std::string log;  ///< the file of strace -o, or the prefix of those of strace -ff -o
  /// the judged directory, as the program saw it; empty: where the program was started
  std::string root;
  std::string cwd;  ///< where the program was started; empty: the log says it (strace -y)
  /// a copy of the judged directory as it was before; empty: only the log tells
  std::string old_directory;
  /// ... as it was after; empty: not known, and the trace is not proved complete
  std::string new_directory;
};

/// Errors (kUsage): the log, named with its line, or a directory that cannot be read. What makes
/// the run unjudgeable is an obstacle of the trace; what could not be proved for want of
/// `new_directory` or `old_directory` is one of kind kUnproven.
Result<Trace> ImportStrace(const ImportSpec& spec);

}  // namespace oldornew
