// Power after faults: what a power cut does to faulted runs, and not to the plain one.
//
// Asked of runs that report success and took other steps than the plain one, or in which a sync or
// close failed; and of runs that report an error although a sync failed and something has changed.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "explorers/explorer.h"
#include "explorers/faults/fault_findings.h"
#include "explorers/faults/plain_runs.h"
#include "lab/new_claims.h"

namespace oldornew {

class PowerAfterFaults {
 public:
  /// Both must outlive this.
  PowerAfterFaults(const Given& given, PlainRuns& plain_runs)
      : given_(given), plain_runs_(plain_runs) {}

  /// Whether power cuts during this run may tell something.
  bool Wants(const EndedRun& run);
  /// True: there are new findings. Errors: those of a search.
  Result<bool> Ask(const EndedRun& run, const FaultScene& scene);

  std::vector<Finding> Take() { return std::move(findings_); }
  const std::vector<std::string>& notes() const { return notes_; }
  /// Some search did not come to its end.
  bool bounded() const { return bounded_; }

 private:
  Question QuestionFor(const Trace& trace) const;
  SearchSpace SpaceFor() const;
  Status KnowPlainClaims();
  void Add(const EndedRun& run, const FaultScene& scene, Finding finding);
  void Rename(const FaultScene& scene, Finding* finding) const;

  const Given& given_;
  PlainRuns& plain_runs_;
  std::optional<std::set<Claim>> claims_;  ///< of the plain run
  /// The plain run has so few crash states that those of many runs can be visited.
  bool is_small_ = true;
  bool bounded_ = false;
  std::set<std::string> searched_;
  std::set<std::tuple<std::string, std::string>> lost_;
  std::set<std::tuple<Oracle, std::string, std::string, std::string>> keys_;
  std::vector<Finding> findings_;
  std::vector<std::string> notes_;
};

/// Its failing reports lost data: what was written reaches the disk in it, at the latest.
bool WritesBack(const FileCall& call);

}  // namespace oldornew
