// Memory: the file systems of a sandbox that lies in memory (SandboxSpec::in_memory). They are
// tmpfs mounts that no path leads to. The warden makes them in the view's own mount namespace, so
// that an unprivileged user may make them, and hands them to the sandbox's owner as descriptors.
// The owner works on them below /proc/<owner>/fd/<number> as on any directory. They are gone when
// the last descriptor and the last view are.
//
// Where a tmpfs differs from a disk (Linux Documentation/filesystems/tmpfs.rst, mm/shmem.c):
//
//   room      Is counted in pages of 4 KiB: those of file data, those of symlink targets from 128
//             bytes on, and no others. A write that runs out of pages writes as far as there are
//             some: it returns that number of bytes, or ENOSPC if there was none. Truncation and
//             unlink give room back at once. fallocate gives all or nothing. A store into a mapping
//             without room is SIGBUS.
//   inodes    Each file, directory and symlink takes one, and so does each further hard link. User
//             xattrs (Linux 6.6) are paid for from the room of inodes.
//   names     Cost nothing: a directory never fills a page.
//   missing   There is no reserve for root, no journal, and no delayed allocation (so no ENOSPC at
//             fsync or close).
//   calls     O_TMPFILE, RENAME_EXCHANGE, RENAME_WHITEOUT, SEEK_HOLE and POSIX ACLs work. FICLONE
//             is EOPNOTSUPP. O_DIRECT works from Linux 6.6 on. Inode numbers are never used again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/files.h"
#include "base/result.h"
#include "run/sandbox_layout.h"

namespace oldornew {

/// Which of a sandbox's mounts in memory.
enum class MemoryMount : uint8_t { kJudged, kTemporary, kRecorder };
inline constexpr size_t kMemoryMounts = 3;
const char* MemoryMountName(MemoryMount which);

/// Makes a tmpfs that is not attached anywhere and is as large as half of the machine's memory. Its
/// root is a directory of the caller with mode 0711. It holds one file of one page, because the
/// size 0 means "unlimited", and so a full tmpfs must not be empty. Errors: what the kernel
/// refused.
Result<UniqueFd> MakeMemoryMount();

/// Sets `limit`, in addition to what is used now. `root`: any descriptor of the mount's root
/// directory. REQUIRES: the right to mount in the user namespace that made it.
Status LimitMemoryMount(int root, const SpaceLimit& limit);

/// What is used of the mount that `root` is on, including the page and the inodes that
/// MakeMemoryMount took.
Result<Space> MemoryMountUsed(int root);

}  // namespace oldornew
