// Baseline: findings that a project has looked at and accepted, each with a reason, so that the
// gate fails on new ones only. A finding that got worse (another outcome, another profile than was
// accepted) is new.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "check/axes.h"
#include "finding/finding.h"

namespace oldornew {

struct AcceptedFinding {
  Oracle oracle = Oracle::kAtomic;
  std::string path;                   ///< a glob (fnmatch(3)) for the subject's name
  std::vector<Outcome> outcomes;      ///< empty: any
  std::vector<std::string> profiles;  ///< or axes beside power; empty: any
  std::string scenario;               ///< a glob for the scenario's name; empty: any
  std::string reason;
  uint32_t line = 0;
};

struct Baseline {
  std::string file;
  std::vector<AcceptedFinding> accepted;
};

/// Reads a TOML file of [[accepted]] tables. Errors (usage): every mistake with file and line; an
/// entry without a reason is one.
Result<Baseline> ReadBaseline(const std::string& path, const AxisTable& axes);

/// Marks the findings that the baseline accepts (Finding::accepted). Returns the entries, as
/// indices, that had something to accept.
std::vector<size_t> Accept(const Baseline& baseline, const std::string& scenario,
                           std::vector<Finding>* findings);

/// "FILE:LINE accepts ..., which is no longer found": for every entry that is not in `used`.
std::vector<std::string> StaleEntries(const Baseline& baseline, const std::vector<size_t>& used);

/// First line of a baseline file that we write.
inline constexpr const char* kBaselineHead =
    "# Accepted findings. Each needs a reason; one with another outcome or under another profile "
    "is new.\n";

/// The findings as [[accepted]] entries whose reasons are still empty: for a person to fill in.
std::string WriteBaselineText(const std::string& scenario, const std::vector<Finding>& findings);

}  // namespace oldornew
