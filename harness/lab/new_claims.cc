#include "lab/new_claims.h"

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

namespace {

std::set<Claim> WithoutDetail(const std::set<Claim>& claims) {
  std::set<Claim> out;
  for (const auto& [oracle, outcome, profile] : claims) {
    const bool bytes = outcome == Outcome::kEmpty || outcome == Outcome::kZeros ||
                       outcome == Outcome::kGarbage || outcome == Outcome::kTruncated;
    out.insert({oracle, bytes ? Outcome::kTorn : outcome, ""});
  }
  return out;
}

}  // namespace

Result<NewClaims> SearchNewClaims(const Trace& trace, const Question& question,
                                  const SearchSpace& space, const CheckerPool& pool, int jobs,
                                  const std::set<Claim>& known_claims, ClaimDetail detail) {
  const auto in_detail = [&](std::set<Claim> claims) {
    return detail == ClaimDetail::kEveryWay ? claims : WithoutDetail(claims);
  };
  const std::set<Claim> known = in_detail(known_claims);
  NewClaims out;
  ASSIGN_OR_RETURN(const JudgedTrace judged, PrepareToJudge(trace, question, pool));
  out.unsupported = judged.unsupported;
  if (!out.unsupported.empty()) return out;

  ASSIGN_OR_RETURN(SearchResult found, SearchPowerCuts(judged, question, space, jobs));
  out.exhaustive = found.coverage.exhaustive;
  for (Finding& finding : found.findings) {
    const std::set<Claim> claims = in_detail(ClaimsOf({finding}));
    const bool all_known = std::includes(known.begin(), known.end(), claims.begin(), claims.end());
    if (!finding.pedantic && !all_known) out.findings.push_back(std::move(finding));
  }
  return out;
}

}  // namespace oldornew
