// The fsync log of btrfs, and of file systems that roll forward like it: the rows with
// META_ORDER=txlog (model.md, section 5.6).
#pragma once

#include <cstddef>

#include "model/profile.h"
#include "model/timeline.h"
#include "model/views.h"

namespace oldornew {

/// Does fsync commit everything instead of writing to the log (f2fs: fsync of a directory is a
/// checkpoint)?
bool FallsBack(const Profile& profile, bool directory);

/// What the log syncs forces[0, count) with a position after `cut` put on top of it.
void ApplyLog(const Timeline& timeline, const Profile& profile, Position cut, size_t count,
              MetaState* state);

}  // namespace oldornew
