#include "oracle/ended_run.h"

#include <algorithm>
#include <csignal>

#include "base/text.h"
#include "oracle/end_state.h"

namespace oldornew {

EndViolation MakeViolation(Oracle oracle, Outcome outcome, Severity severity, std::string path) {
  EndViolation out;
  out.oracle = oracle;
  out.outcome = outcome;
  out.severity = severity;
  out.path = std::move(path);
  return out;
}

bool IsOrBelow(const std::string& path, const std::string& top) {
  return path == top || path.starts_with(top + "/");
}

std::string HowItEnded(const Trace& trace) {
  return fmt::format("exits {} and says {}", trace.exit_status, FirstWords(trace));
}

bool WasDone(const Trace& trace, const FileCall& hit) {
  const size_t number = OpNumberOf(trace, hit);
  return number > 0 && trace.ops[number - 1].told != 0;
}

bool WasHit(const EndedRun& run, CallKind kind, const std::string& path) {
  return std::any_of(run.affected.begin(), run.affected.end(), [&](const FileCall* hit) {
    return KindOfCall(*hit) == kind && hit->path == path;
  });
}

bool OnlyLooksFailed(const EndedRun& run) {
  return std::all_of(run.affected.begin(), run.affected.end(),
                     [](const FileCall* hit) { return OnlyLooks(KindOfCall(*hit)); });
}

int FatalSignal(const Trace& trace) {
  for (const int fatal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) {
    if (trace.exit_status == 128 + fatal) return fatal;
  }
  return 0;
}

}  // namespace oldornew
