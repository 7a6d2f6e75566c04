#include "rerun/again.h"

#include <algorithm>

#include "explore/case.h"

namespace oldornew {

namespace {
// More than a run has, as a rule; what comes out does not hang on it.
constexpr uint32_t kProcesses = 40;
constexpr uint32_t kRuns = 700;  // a process number can be as small as 32,768
}  // namespace

bool Again::Succeeded(const Trace& trace) const {
  return std::find(ok_exit_.begin(), ok_exit_.end(), trace.exit_status) != ok_exit_.end();
}

Result<Trace> Again::Run(const std::vector<std::string>& command, const FileTree* old,
                         const std::string& directory) {
  if (old != nullptr) RETURN_IF_ERROR(sandbox_.Present(*old));
  RunSpec run = run_;
  run.command = command;
  if (!directory.empty()) run.directory = directory;
  run.last_pid = 1 + kProcesses * (++runs_ % kRuns);
  return RecordIn(sandbox_, run);
}

Finding EndFinding(Oracle oracle, Outcome outcome, Severity severity, const std::string& path,
                   const std::string& message, const std::string& id, const Trace& trace) {
  Finding finding;
  finding.oracle = oracle;
  finding.severity = severity;
  finding.path = finding.at = path;
  finding.outcomes[outcome] = {};
  finding.shown = outcome;
  finding.message = message;
  finding.token = FormatToken(EndCase{id, trace.Identity().Short()});
  return finding;
}

}  // namespace oldornew
