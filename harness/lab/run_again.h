// Run again: the recorded command once more, in the lab's first sandbox.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "lab/lab.h"
#include "trace/trace.h"

namespace oldornew {

class RunAgain {
 public:
  /// `plain` is the recorded run. Both must outlive this.
  RunAgain(Lab& lab, const Trace& plain) : lab_(lab), plain_(plain), run_(lab.run()) {}

  /// Runs `command` where the last run left off, or with `old` from that state. `directory` empty:
  /// where the recorded run started. Errors: those of Lab::Run.
  Result<Trace> Run(const std::vector<std::string>& command, const FileTree* old = nullptr,
                    const std::string& directory = {});

  /// `command` from the old state of the recorded run, once more and now. Whoever finds that a run
  /// differs asks for it before saying so: timestamps and the like have changed by themselves
  /// since, and are not compared (oracles.md 7).
  Result<Trace> RunNow(const std::vector<std::string>& command) {
    return Run(command, &plain_.old_tree);
  }

  /// Ends further runs after so long. Never later than the recorded command's own limit.
  void LimitTime(std::chrono::milliseconds limit);
  std::chrono::milliseconds time_limit() const { return run_.time_limit; }

 private:
  Lab& lab_;
  const Trace& plain_;
  RunSpec run_;
  uint32_t runs_ = 0;  ///< no run has the process numbers of another one
};

}  // namespace oldornew
