// WriteFileAtomic, as the file-system utilities page of its source project describes it: a port
// with its flaws, which is what makes it worth testing. Never use it; targets/hardened/write_file.h
// is the one to learn from.
//
// What the source document promises:
//
//   - A temporary file dir/.tmp-name is created with the requested permissions, written, fsynced,
//     and renamed over dir/name. "Concurrent readers will see either the old content or the new
//     content, never a partial write."
//   - On any error the temporary file is removed and "the original file, if any, is left
//     untouched". (The removal is a deferred os.Remove. It also runs after success, when the name
//     is normally gone.)
//   - Two writers of one name: "the last rename wins".
//
// What is wrong with it (atomic-updates.md 3.1 has the sequences, and says which were reproduced):
//
//   W1   two writers share the temporary: a torn file is published
//   W2   ... or an empty one
//   W3   ... or a writer succeeds with the other's bytes
//   W4   a writer's deferred remove deletes the other writer's temporary
//   W5   a stale or hostile .tmp-name: if it is a directory, every call fails; a symlink is
//        followed and published; the mode of a file is kept
//   W6   a legal name of more than 250 bytes is refused; a user's own file named .tmp-name is
//        overwritten
//   W7   a symlink at the target is replaced by a regular file
//   W8   a directory at the target is an error (EEXIST from Go's os.Rename, before the kernel's
//        EISDIR)
//   W9   no fsync of the directory: after success and a power cut the old content is back
//   W10  after a failed fsync, a retry on the same descriptor would report success (not done here)
//   W11  an error of close is ignored
//   W12  owner, ACL, extended attributes and hard links of the target are lost; the umask applies
//        to perm
//   W13  a killed writer leaves the temporary, with the data in it, until the next write of the
//        same name
//   W14  every step goes by path: a directory renamed between two steps is not noticed
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "go_os.h"

namespace oldornew::targets {

/// Writes `data` to dir/name. `perm` is subject to the umask, and ignored when the temporary exists
/// already (W5).
GoStatus WriteFileAtomic(const std::string& dir, const std::string& name, std::string_view data,
                         mode_t perm);

}  // namespace oldornew::targets
