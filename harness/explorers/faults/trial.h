// Trial: one faulted run: it is made, and it is checked that what failed is what was meant
// (oracles.md 8).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "explorers/faults/fault_case.h"
#include "lab/lab.h"
#include "oracle/path_patterns.h"

namespace oldornew {

/// A case and where it comes from.
struct PlannedFault {
  FaultCase fault;
  std::shared_ptr<const Trace> base;  ///< FaultCase::call is of this
  std::string before;                 ///< --fault-depth: "ENOSPC at 3 write(f.tmp), then "
  /// what is wrong with the run that led to it, without this fault
  std::set<std::string> known;
};

/// A case as it was carried out.
struct Trial {
  std::optional<Trace> trace;
  std::string problem;  ///< without a trace: why
  std::vector<const FileCall*> affected;
  const FileCall* failed_call = nullptr;  ///< the one that the case is about; null: it met nothing
  bool diverged = false;                  ///< another call failed than was meant, twice
  bool hung = false;
};

/// Runs it in the lab's sandbox number `index`, twice if it diverges. `survey`: with all its file
/// calls. Errors: interrupted.
Result<Trial> TryFault(Lab& lab, size_t index, const Trace& plain, const PathPatterns& patterns,
                       const PlannedFault& planned, bool survey);

}  // namespace oldornew
