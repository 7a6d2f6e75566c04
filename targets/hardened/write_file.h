// WriteFile: replaces one file so that every reader, every later run and every machine after a
// power cut finds the old bytes or the new bytes. The algorithm is atomic-updates.md 4.1 with an
// O_EXCL temporary:
//
//   1. create a temporary of a fresh random name in the same directory, mode 0600;
//   2. write everything, check the size; then set owner, extended attributes, ACL and mode, in this
//      order;
//   3. fsync it, close it, both checked; any error abandons this inode for good;
//   4. rename it over the target;
//   5. fsync the directory.
//
// Readers: each sees one whole version. Writers: any number, in any processes; the last rename
// wins, each with its own bytes; there is no protection against lost updates. A killed writer
// leaves its temporary (".aw-" + 26 digits, mode 0600): CollectStaleTemporaries removes such files.
// After the rename nothing is ever removed by name.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "hardened/update_result.h"

namespace oldornew::hardened {

struct WriteFileOptions {
  mode_t mode = 0644;  ///< exact: the umask does not apply
  /// Keep owner, group, mode, ACL and user.* attributes of the file that is replaced; `mode` then
  /// serves new files only. What cannot be kept is an error, before anything is published.
  bool keep_attributes = false;
  /// Publish only if the name does not exist: EEXIST otherwise.
  bool create_only = false;
};

/// Replaces or creates `name` in the directory open at `dir` (O_RDONLY|O_DIRECTORY, not O_PATH: it
/// is fsynced). `name` is one component; names that start with ".aw-" are refused (EINVAL). A
/// directory at the name is EISDIR. A symlink is ELOOP: the caller decides whether to follow or to
/// replace it, by resolving it first. Hard links of the old file keep the old content.
UpdateResult WriteFile(int dir, std::string_view name, std::string_view data,
                       const WriteFileOptions& options = {});

struct Collected {
  int removed = 0;
  int error = 0;  ///< errno of the first failure; 0: none
};

/// Removes temporaries that writers left when they were killed: own prefix, regular, one link, own
/// user, not written for `minimum_age_seconds`, and not locked by a living writer. Safe while
/// writers run if the age exceeds the time that any of them takes from its close to its rename.
Collected CollectStaleTemporaries(int dir, int minimum_age_seconds);

}  // namespace oldornew::hardened
