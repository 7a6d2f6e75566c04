// Repair: the smallest set of added syncs after which a finding is gone, found by trying them out
// in the model.
//
// Candidates come from what the shown case lost: an fsync of each object whose data, attributes or
// name was lost, right after the last change to it that matters (before the call that publishes
// it), and an fsync of each directory whose change was lost, right after that change. Sets of one
// and of two are tried, then all together without those that are not needed. Whether a set repairs
// is for the caller's test to say: it must have looked at every state of the repaired run in every
// profile in which the finding is reachable.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "finding/finding.h"
#include "oracle/state_judge.h"

namespace oldornew {

/// A trace with added syncs, which are nobody's recorded ops.
struct RepairedTrace {
  Trace trace;
  std::vector<uint32_t> added;  ///< indices of the added ops, ascending
  /// How many recorded ops are among the first `point` ops.
  uint32_t RecordedBefore(uint32_t point) const;
};
RepairedTrace WithSteps(const Trace& trace, std::vector<RepairStep> steps);

/// True when the finding is gone from the repaired run.
using RepairTest = std::function<bool(const RepairedTrace& repaired)>;

/// True for a repaired run in which none of the states that those of `profiles` allow in which the
/// finding is reachable violates its oracle, and for `durable` what was acknowledged is there
/// whole. The judge is that of the recorded run: added syncs only take states away. `judge` and
/// `finding` must outlive the test.
RepairTest MakeRepairTest(StateJudge* judge, const Limits& limits,
                          const std::vector<const Profile*>& profiles, const Finding& finding);

/// nullopt: no set of at most `most_candidates` added syncs does it. Deterministic.
std::optional<std::vector<RepairStep>> FindRepair(const Trace& trace, const Finding& finding,
                                                  const RepairTest& test,
                                                  size_t most_candidates = 10);

}  // namespace oldornew
