// Words: what reports say of findings that power cuts show, sentence by sentence.
#pragma once

#include <string>
#include <vector>

#include "finding/finding.h"
#include "oracle/versions.h"

namespace oldornew {

/// "ext4 with noauto_da_alloc, xfs" for {"ext4,noauto_da_alloc", "xfs"}. A family's options are
/// left out when its plain row is in the list; `all` (the number of rows explored) equal to the
/// list's length gives "all profiles".
std::string ShowProfiles(const std::vector<std::string>& profiles, size_t all);

/// Finding::message of a case of power loss. `history`, if not null, is of the shown subject; `ack`
/// an index into its acks, or -1.
std::string DescribeCase(const Trace& trace, const VersionHistory* history, int ack,
                         size_t profiles_explored, const Finding& finding);

/// Fills explanation, source, repair.advice and window, once lost, needed and repair are known.
void DescribeCause(const Trace& trace, Finding* finding);

}  // namespace oldornew
