#include "rerun/new_claims.h"

#include <algorithm>

namespace oldornew {

std::set<Claim> ClaimsOf(const std::vector<Finding>& findings) {
  std::set<Claim> out;
  for (const Finding& finding : findings) {
    for (const auto& [outcome, profiles] : finding.outcomes) {
      for (const std::string& profile : profiles) out.insert({finding.oracle, outcome, profile});
    }
  }
  return out;
}

std::set<Claim> WithoutDetail(const std::set<Claim>& claims) {
  std::set<Claim> out;
  for (const auto& [oracle, outcome, profile] : claims) {
    const bool bytes = outcome == Outcome::kEmpty || outcome == Outcome::kZeros ||
                       outcome == Outcome::kGarbage || outcome == Outcome::kTruncated;
    out.insert({oracle, bytes ? Outcome::kTorn : outcome, ""});
  }
  return out;
}

Result<NewClaims> SearchNewClaims(const Trace& trace, const SearchOptions& options,
                                  const std::set<Claim>& known_claims, bool detail) {
  const std::set<Claim> known = detail ? known_claims : WithoutDetail(known_claims);
  NewClaims out;
  ASSIGN_OR_RETURN(SearchResult found, Search(trace, options));
  out.exhaustive = found.coverage.exhaustive;
  out.unsupported = std::move(found.unsupported);
  if (!out.unsupported.empty()) return out;
  for (Finding& finding : found.findings) {
    const std::set<Claim> claims =
        detail ? ClaimsOf({finding}) : WithoutDetail(ClaimsOf({finding}));
    if (finding.pedantic || std::includes(known.begin(), known.end(), claims.begin(), claims.end()))
      continue;
    out.findings.push_back(std::move(finding));
  }
  return out;
}

}  // namespace oldornew
