// New claims: what power cuts do to a further run that they do not do to the plain one.
#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "finding/search.h"

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

/// The same without profiles, and with one outcome for all ways in which bytes can be missing:
/// whether the rest is empty, zeros or torn, and where, hangs on how many calls wrote it.
std::set<Claim> WithoutDetail(const std::set<Claim>& claims);

/// Errors: those of Search. `detail`: a way of losing bytes that is not known is new, though
/// another one is.
Result<NewClaims> SearchNewClaims(const Trace& trace, const SearchOptions& options,
                                  const std::set<Claim>& known, bool detail = true);

}  // namespace oldornew
