// Again: runs the recorded command again in its sandbox, and knows when two of its runs are alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "run/record.h"
#include "trace/trace.h"

namespace oldornew {

class Again {
 public:
  /// `run` and `ok_exit` are those of the recorded run `plain`. All must outlive this.
  Again(Sandbox& sandbox, const Trace& plain, const RunSpec& run, const std::vector<int>& ok_exit)
      : sandbox_(sandbox), plain_(plain), run_(run), ok_exit_(ok_exit) {}

  bool Succeeded(const Trace& trace) const;

  /// Runs `command` where the last run left off, or with `old` from that state. `directory` empty:
  /// where the recorded run started. Errors: those of Sandbox::Present and RecordIn.
  Result<Trace> Run(const std::vector<std::string>& command, const FileTree* old = nullptr,
                    const std::string& directory = {});

  /// `command` from the old state of the recorded run, once more and now. Whoever finds that a run
  /// differs asks for it before saying so: what carries the time, in whatever unit, has differed
  /// since by itself, and is not compared (oracles.md 7).
  Result<Trace> RunNow(const std::vector<std::string>& command) {
    return Run(command, &plain_.old_tree);
  }

 private:
  Sandbox& sandbox_;
  const Trace& plain_;
  const RunSpec& run_;
  const std::vector<int>& ok_exit_;
  uint32_t runs_ = 0;  ///< no run has the process numbers of another one
};

/// A finding about how a run ended: `path` has `outcome`, whatever the file system. `id` and
/// `trace` name the run.
Finding EndFinding(Oracle oracle, Outcome outcome, Severity severity, const std::string& path,
                   const std::string& message, const std::string& id, const Trace& trace);

}  // namespace oldornew
