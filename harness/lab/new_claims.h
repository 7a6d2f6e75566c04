// New claims: what power cuts do to a further run that they do not do to the plain one.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "search/search.h"

namespace oldornew {

/// Everything that a finding says, without its path and the case it shows: oracle, outcome,
/// profile.
using Claim = std::tuple<Oracle, Outcome, std::string>;
std::set<Claim> ClaimsOf(const std::vector<Finding>& findings);

struct NewClaims {
  /// those with a claim that is not among the known ones; none pedantic
  std::vector<Finding> findings;
  /// why the run could not be judged; then there are no findings
  std::vector<std::string> unsupported;
  bool exhaustive = true;
};

/// How closely two ways of losing bytes are compared.
enum class ClaimDetail : uint8_t {
  kEveryWay,  ///< a way of losing bytes that is not known is new, though another one is
  /// all ways in which bytes can be missing are one: whether the rest is empty, zeros or torn
  /// depends on how many calls wrote it; nor do profiles count
  kAnyWay
};

/// Errors: those of PrepareToJudge and SearchPowerCuts.
Result<NewClaims> SearchNewClaims(const Trace& trace, const Question& question,
                                  const SearchSpace& space, const CheckerPool& pool, int jobs,
                                  const std::set<Claim>& known, ClaimDetail detail);

}  // namespace oldornew
