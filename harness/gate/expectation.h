// Expectation: what a scenario says the findings of a program are, profile by profile. A difference
// in either direction, missed or false, is a failure of the gate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/toml.h"
#include "check/axes.h"
#include "check/verdict.h"
#include "finding/finding.h"

namespace oldornew {

/// "atomic:zeros", or "atomic:zeros?" which may be there or not.
struct ExpectedOutcome {
  Oracle oracle = Oracle::kAtomic;
  Outcome outcome = Outcome::kForeign;
  bool optional = false;
};

struct ExpectedPath {
  std::string pattern;    ///< a glob (fnmatch(3)) that the subject's name must match
  bool anything = false;  ///< "*": whatever is found there is all right
  std::vector<ExpectedOutcome> outcomes;
};

/// What is found under one profile, or on one axis beside power: exactly these, nothing at other
/// paths.
struct ProfileExpectation {
  std::string profile;
  bool is_axis = false;
  std::vector<ExpectedPath> paths;
};

struct Expectation {
  std::optional<Verdict> verdict;
  std::string says;  ///< words that the reasons of the verdict must contain
  std::vector<ProfileExpectation> profiles;
};

/// Reads [expect]: the keys `verdict` and `says`, and tables named after profiles ("xfs", or
/// several: "xfs btrfs") or axes ("kill", "next-run", ...) that hold PATTERN = "ORACLE:OUTCOME" or
/// a list of these, or "*". An empty table is a clean profile. Mistakes go to `problems`. With
/// neither a verdict nor profiles the verdict is expected to be clean.
Expectation ReadExpectation(const TomlTable& table, const std::string& file, uint32_t line,
                            const AxisTable& axes, TomlProblems* problems);

/// What one check came to, as far as expectations speak of it.
struct CheckAnswer {
  Verdict verdict = Verdict::kClean;
  std::vector<std::string> reasons;
  std::vector<Finding> findings;
  /// that were explored, and axes (check/axes.h) beside power
  std::vector<std::string> profiles;
};

/// One sentence for each difference; empty: the answer is as expected.
std::vector<std::string> Differences(const Expectation& expected, const CheckAnswer& answer);

}  // namespace oldornew
