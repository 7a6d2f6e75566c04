// Oracle: one question that is asked of a program's files (DESIGN.md 5; docs/oracles.md has the
// rules).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace oldornew {

enum class Oracle : uint8_t {
  kAtomic,
  kDurable,
  kCheck,
  kAttrs,
  kPrivate,
  kContained,
  // Of how further runs end:
  kHonest,
  kRecoverable,
  kClean
};

/// "atomic", "durable", "check", "attrs", "private", "contained", "honest", "recoverable", "clean".
const char* OracleName(Oracle oracle);

/// Errors (usage): an unknown name, with the known ones.
Result<Oracle> ParseOracle(const std::string& name);

/// What is asked when nothing is said: all but `contained`, which needs to know what may change.
std::vector<Oracle> DefaultOracles();

/// What --expect takes: comma-separated names of oracles of the recorded run. Errors (usage):
/// another name, with the known ones.
Result<std::vector<Oracle>> ParseOracles(const std::string& text);

enum class Severity : uint8_t { kError, kWarning };
const char* SeverityName(Severity severity);

}  // namespace oldornew
