// Cause: findings that the same added syncs cure are one finding (oracles.md 15).
//
// The same syncs means: the same places in the program. A loop that writes twenty files and syncs
// none of them lacks one call, at one line; the twenty paths are then the subjects of one finding.
// Two findings are joined when their repairs sync the same directories and files that were written
// from the same place of the program (the recorded call stack, by module and offset), and, for
// directories synced at several places, when the latest of them was found to cure both.
#pragma once

#include <functional>
#include <vector>

#include "finding/finding.h"
#include "search/repair.h"

namespace oldornew {

/// The test of one finding, by its subject. An empty function: no repair can be tried.
using TestFor = std::function<RepairTest(const Finding&)>;

/// Joins findings of one oracle with the same cause; each has its repair already. Order is kept: a
/// finding stays where its first subject was. Only those with a repair are joined, and never
/// pedantic ones with others.
std::vector<Finding> JoinByCause(const Trace& trace, std::vector<Finding> findings,
                                 const TestFor& test_for);

}  // namespace oldornew
