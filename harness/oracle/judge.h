// The judge of crash states: oracles `atomic` and `durable` for one subject (design.md 5, oracles.md 1, 2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/crash_states.h"
#include "oracle/outcome.h"
#include "oracle/versions.h"

namespace oldornew {

enum class Oracle : uint8_t {
  kAtomic,
  kDurable,
  kCheck,
  kAttrs,
  kContained,
  // Of further runs (rerun/):
  kHonest,
  kRecoverable,
  kClean
};

/// "atomic", "durable", "check".
const char* OracleName(Oracle oracle);

/// Comma-separated oracle names. Errors (usage): an unknown name, with the known ones.
Result<std::vector<Oracle>> ParseOracles(const std::string& text);

struct Violation {
  Oracle oracle = Oracle::kAtomic;
  Outcome outcome = Outcome::kForeign;
  std::string at;        ///< path where it shows
  std::string evidence;  ///< e.g. what the view printed; may be empty
  int ack = -1;          ///< durable: index into VersionHistory::acks of the broken promise
};

/// What is wrong with the value `key` of the subject when the machine went down after at most `last_point`
/// ops; nullopt: it is wholly some acceptable version, and none that an acknowledgement had outdated.
std::optional<Violation> JudgeState(const Trace& trace, const Subject& subject, const VersionHistory& history,
                                    const FileTree& state, uint32_t last_point);

}  // namespace oldornew
