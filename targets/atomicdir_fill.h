// atomicdir.Fill, from "Atomically Directory Population in Go" (2018): a port with its flaws, which
// is what makes it worth testing. Never use it; targets/hardened/swap_directory.h is the one to
// learn from.
//
// What the source document promises: populate fills a fresh directory next to the symlink d. Then d
// is made to point at it in one step, and the directory that d pointed at before is removed. If
// populate fails, the fresh directory is removed and d is as it was. A d that is not a symlink is
// refused.
//
// What is wrong with it (atomic-updates.md 3.2 has the sequences, and says which were reproduced):
//
//   D1   a bare name ("secrets"): the directory is made in $TMPDIR, perhaps on another file system
//   D2   a relative path ("foo/secrets"): success is reported although the link dangles; later runs
//        remove by a name that is relative to the working directory
//   D3   a crash between symlink and rename leaves d.tmp: every later run fails with EEXIST
//   D4   a crash between rename and removal leaves the old directory for ever
//   D5   a reader inside the old directory has it removed under its feet
//   D6   a trailing slash ("dir/") is refused: lstat follows it
//   D7   a real directory at d is refused (as promised)
//   D8   two runs at once: the second fails at d.tmp; directories are orphaned
//   D9   d becomes a directory between lstat and rename: the run fails and leaves d.tmp, so that
//        every later run fails too
//   D10  the published directory has mode 0700
//   D11  whatever d pointed at is removed, whether it is ours or not
//   D12  no fsync anywhere: after a power cut the new files can be empty and the old directory gone
//   D13  nothing orders the removal of the old directory after the rename
//   D14  a failure after the swap looks the same to the caller as one before it
//   D15  what populate makes is not checked
#pragma once

#include <functional>
#include <string>

#include "go_os.h"

namespace oldornew::targets {

/// Makes `d` a symlink to a fresh directory that `populate`, called with its path, has filled.
GoStatus Fill(const std::string& d, const std::function<GoStatus(const std::string&)>& populate);

}  // namespace oldornew::targets
