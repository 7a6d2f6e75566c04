// Repair: the smallest set of added syncs after which a finding is gone, found by trying them out in the
// model.
//
// Candidates come from what the shown case lost: an fsync of each object whose data or name was lost, right
// after the last change to it that matters (before the call that publishes it), and an fsync of each
// directory whose change was lost, right after that change. Sets of one and of two are tried, then all
// together without those that are not needed; a set counts only if the finding's oracle is satisfied for its
// subject in every profile in which the finding is reachable, and for `durable` if what was acknowledged is
// there whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "finding/finding.h"
#include "finding/search.h"
#include "oracle/versions.h"

namespace oldornew {

/// One added fsync of `object`, after op `after` (index into Trace::ops) has returned.
struct RepairStep {
  ObjectId object = kNoObject;
  uint32_t after = 0;
  std::string text;  ///< "fsync(f.tmp) after 9 write(f.tmp, 4096 B)"
};

/// nullopt: no set of added syncs does it. Deterministic.
std::optional<std::vector<RepairStep>> FindRepair(const Trace& trace, const Subject& subject,
                                                  const SearchOptions& options, const Finding& finding);

}  // namespace oldornew
