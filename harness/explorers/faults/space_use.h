// Space use: how much room a run takes on a tmpfs (run/memory.h says what takes room there), call
// by call, and the sizes of disks on which each of its calls would be the one that finds no room.
#pragma once

#include <cstdint>
#include <vector>

#include "run/sandbox.h"
#include "trace/trace.h"

namespace oldornew {

struct SpaceUse {
  uint64_t pages = 0;   ///< of 4 KiB
  uint64_t inodes = 0;  ///< files, directories, symlinks, and one for each further hard link
};

/// Of the judged directories: before the run, and after each of its ops (ops.size() + 1 entries).
/// What is unlinked counts no more, though it may be open still.
std::vector<SpaceUse> SpaceUseOf(const Trace& trace);

/// Room left at the start, so that for each op that takes room there is one disk on which nothing
/// of it fits, one for half of it and one for all but the last page; and one disk for each number
/// of inodes short of what the run takes. Ascending, none twice. Of more than `most` some are left
/// out evenly.
std::vector<SpaceLimit> FullDisks(const Trace& trace, size_t most = 48);

}  // namespace oldornew
