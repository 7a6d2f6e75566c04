// Window: how long the moment lasts in which the power must not go, in words.
//
// Sources: persistence-model.md 3, row "zero-length window" (f): ext4 commits its journal every 5 s
// (commit=) and writes data back after 30 s (dirty_expire_centisecs); xfs writes its log back
// lazily, 30 s; a btrfs transaction lasts 30 s; an f2fs checkpoint 60 s. All of these are defaults,
// and any fsync elsewhere moves them.
#pragma once

#include <string>
#include <vector>

#include "finding/finding.h"

namespace oldornew {

/// "up to 25 s on ext4, 30 s on xfs and btrfs"; empty for findings that need no crash.
std::string DescribeWindow(const Trace& trace, const Finding& finding);

/// For each family of file systems in which the finding is reachable, what ends the window, with
/// the source.
std::vector<std::string> ExplainWindow(const Trace& trace, const Finding& finding);

}  // namespace oldornew
