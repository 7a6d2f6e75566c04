// Litter growth: does what a failed run left under a name of its own pile up, run after run?
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "lab/lab.h"
#include "oracle/end_judge.h"

namespace oldornew {

class LitterGrowth {
 public:
  /// Both must outlive this.
  LitterGrowth(Lab& lab, const PathPatterns& patterns) : lab_(lab), patterns_(patterns) {}

  /// For litter whose name is another one in each run: runs `run`, in which the same goes wrong,
  /// once more from what `failed` left. What that run takes away is only a warning. Other
  /// violations stay as they are. Errors: those of Lab::Run.
  Status Ask(const RunSpec& run, const Trace& failed, EndViolation* violation);

 private:
  size_t CountOf(const Trace& trace, const std::string& pattern) const;

  Lab& lab_;
  const PathPatterns& patterns_;
  std::map<std::string, bool> grows_;  ///< by pattern: what was found out
};

}  // namespace oldornew
