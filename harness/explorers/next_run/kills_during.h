// Kills during next runs: what a SIGKILL does to a next run that it does not do to the recorded
// run.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "explorers/explorer.h"
#include "search/kill_search.h"

namespace oldornew {

class KillsDuring {
 public:
  /// `axis` is the one that the findings are of. Both must outlive this.
  KillsDuring(const Given& given, const char* axis) : given_(given), axis_(axis) {}

  /// What kills do to the recorded run is known. Before Search. Errors: those of SearchKills.
  Status LearnKnown();
  /// Findings of paths that kills during the recorded run do not break. Errors: those of
  /// SearchKills.
  Result<std::vector<Finding>> Search(const Trace& next) const;

 private:
  Result<KillFindings> SearchAll(const Trace& trace) const;

  const Given& given_;
  const char* axis_;
  std::set<std::string> known_;
};

}  // namespace oldornew
