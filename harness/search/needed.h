// Needed: which of the lost effects of a finding matter.
//
// The case shown is the smallest one that the profile allows, but what reaches the disk is not free
// to choose: a call may be lost only because the file system loses it together with another. Here
// each lost effect is given back by itself, against all order that the file system keeps, and the
// state is judged again: is the finding gone, then this effect is needed for it.
#pragma once

#include "finding/finding.h"
#include "oracle/bytes_judge.h"

namespace oldornew {

/// Fills ShownCase::needed (one bool for each of ShownCase::lost). `judge` is that of the subject.
/// Leaves it empty when the state cannot be rebuilt from whole calls: torn or partly lost effects,
/// or more than a few hundred of them.
void MarkNeeded(const Trace& trace, const BytesJudge& judge, Finding* finding);

}  // namespace oldornew
