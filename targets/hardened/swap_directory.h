// SwapDirectory: replaces a whole directory so that every reader, every later run and every machine
// after a power cut finds the old tree or the new tree. The algorithm is atomic-updates.md 4.2:
//
//   1. take the lock (flock on the parent): one writer at a time; the kernel releases it when the
//      writer dies;
//   2. recover: remove what killed writers of this name left;
//   3. make a staging directory with a fresh random name in the same parent, mode 0700; the caller
//      fills it;
//   4. set its mode; fsync every file, then every directory bottom-up;
//   5. publish, then fsync the parent;
//   6. only then remove the old tree. A failure here never turns a committed swap into a failed
//      one.
//
// Two forms of publishing:
//
//   kSymlink   `name` is a symlink to the staging directory's name, replaced by the rename of a
//              second symlink. Works on every file system. Refuses (EEXIST) a `name` that is
//              anything but such a link: nothing foreign is ever removed.
//   kExchange  `name` is a real directory, exchanged in one step (renameat2). EINVAL where the file
//              system cannot do that.
//
// Readers open the directory once and read through openat; when a file is missing they reopen and
// try again. A reader that is still in the old tree loses it at step 6 unless `keep_previous`
// is set.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string_view>

#include "hardened/update_result.h"

namespace oldornew::hardened {

enum class SwapForm { kSymlink, kExchange };

struct SwapOptions {
  SwapForm form = SwapForm::kSymlink;
  mode_t mode = 0755;  ///< of the published directory: exact, the umask does not apply
  /// Leave the old tree to the next swap of this name, for readers that are still in it.
  bool keep_previous = false;
};

struct SwapResult : UpdateResult {
  bool old_removed = false;  ///< nothing of any old tree is left (also true when there was none)
  /// errno of a failed removal of an old tree, of this swap or an earlier one. Not an error of the
  /// swap.
  int retire_error = 0;
};

/// Fills the directory open at the given descriptor. Returns 0 or an errno, which ends the swap
/// with nothing changed.
using Populate = std::function<int(int staging)>;

/// Makes `name` in the directory open at `parent` (O_RDONLY|O_DIRECTORY, not O_PATH) show what
/// `populate` makes. Names that start with ".sw-" are refused (EINVAL). Waits for another writer of
/// the same parent.
SwapResult SwapDirectory(int parent, std::string_view name, const Populate& populate,
                         const SwapOptions& options = {});

}  // namespace oldornew::hardened
