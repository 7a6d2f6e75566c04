// Ended run: a further run that has come to its end, and what the judge of ends says of it. Plain
// data, and what every rule asks of such a run.
#pragma once

#include <string>
#include <vector>

#include "cases/call_kind.h"
#include "cases/file_call.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "trace/trace.h"

namespace oldornew {

/// One run to be judged.
struct EndedRun {
  const Trace* trace = nullptr;
  std::vector<const FileCall*> affected;  ///< calls of it to which something happened, in order
  const FileCall* failed_call = nullptr;  ///< the one of them that the case is about
  bool hung = false;                      ///< it was ended by the time limit
  /// Nothing can be removed any more: the disk is dead, whatever the run tries.
  bool disk_is_dead = false;
};

/// One thing that is wrong with a run.
struct EndViolation {
  Oracle oracle = Oracle::kHonest;
  Outcome outcome = Outcome::kNotDone;
  Severity severity = Severity::kError;
  std::string path;
  std::string message;    ///< "f can be TRUNCATED although the command reports success"
  bool any_call = false;  ///< the same, whichever call fails: one finding for all of them
  std::string evidence;
  bool piles_up = false;  ///< clean: the name is another one in each run
};

EndViolation MakeViolation(Oracle oracle, Outcome outcome, Severity severity, std::string path);

/// Part of the message of litter whose name is another one in each run, until it is known that the
/// next run removes it.
inline constexpr char kLeavesOneMore[] = ", and each failed run leaves one more";

struct EndJudgement {
  std::vector<EndViolation> violations;
  /// it reports an error after the commit, and could not know better
  bool committed_though_failed = false;
};

bool IsOrBelow(const std::string& path, const std::string& top);

/// "exits 1 and says ...".
std::string HowItEnded(const Trace& trace);

/// The call was carried out, and yet reported as failed.
bool WasDone(const Trace& trace, const FileCall& hit);

/// Something happened to a call of that kind on `path`.
bool WasHit(const EndedRun& run, CallKind kind, const std::string& path);

/// Nothing but looks failed: programs may take a look that fails for "not there".
bool OnlyLooksFailed(const EndedRun& run);

/// The run died of a signal of its own making, SIGSEGV and the like. 0: it did not.
int FatalSignal(const Trace& trace);

}  // namespace oldornew
