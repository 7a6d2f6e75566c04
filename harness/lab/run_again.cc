#include "lab/run_again.h"

#include <algorithm>

namespace oldornew {

namespace {
// More than a run has, as a rule; the outcome does not depend on it.
constexpr uint32_t kProcesses = 40;
constexpr uint32_t kRuns = 700;  // a process number can be as small as 32,768
}  // namespace

Result<Trace> RunAgain::Run(const std::vector<std::string>& command, const FileTree* old,
                            const std::string& directory) {
  RunSpec run = run_;
  run.command = command;
  if (!directory.empty()) run.directory = directory;
  run.last_pid = 1 + kProcesses * (++runs_ % kRuns);
  return lab_.Run(0, run, old);
}

void RunAgain::LimitTime(std::chrono::milliseconds limit) {
  run_.time_limit = std::min(run_.time_limit, limit);
}

}  // namespace oldornew
