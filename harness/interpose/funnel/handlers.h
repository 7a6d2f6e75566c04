// One function per family of system calls: looks at what the kernel will act on, carries the call
// out, records it, returns its result. Each carries the call out exactly once, or says why not. A
// call that needs no record is passed by (account.h) with the reason.
#pragma once

#include "interpose/funnel/account.h"
#include "interpose/funnel/paths.h"
#include "interpose/funnel/recorder.h"
#include "interpose/funnel/seam.h"

namespace oldornew::preload {

// handle_write.cc
// write, pwrite64, writev, pwritev, pwritev2, sendto, sendmsg, sendmmsg
long HandleWrite(Call& call);
// handle_transfer.cc
// sendfile, splice, copy_file_range: bytes that never were in the program's memory
long HandleTransfer(Call& call);
long HandleReflink(Call& call);  // ioctl FICLONE, FICLONERANGE
// handle_size.cc
long HandleTruncate(Call& call);  // truncate, ftruncate
long HandleAllocate(Call& call);  // fallocate
long HandleSync(Call& call);      // fsync, fdatasync, sync, syncfs, sync_file_range, msync
// handle_open.cc
long HandleOpen(Call& call);  // open, creat, openat, openat2
// handle_descriptor.cc
long HandleClose(Call& call);  // close, close_range
long HandleDup(Call& call);    // dup, dup2, dup3
long HandleFcntl(Call& call);
// handle_name.cc
long HandleMake(Call& call);  // mkdir, mkdirat, mknod, mknodat, symlink, symlinkat
long HandleBind(Call& call);
long HandleLink(Call& call);    // link, linkat
long HandleUnlink(Call& call);  // unlink, rmdir, unlinkat
long HandleRename(Call& call);  // rename, renameat, renameat2
// handle_metadata.cc
long HandleMetadata(Call& call);  // chmod, chown, utimes, setxattr, removexattr and their relatives
long HandleFileSetattr(Call& call);
// handle_mapping.cc
long HandleMmap(Call& call);
long HandleProtect(Call& call);  // mprotect, pkey_mprotect
long HandleMremap(Call& call);
long HandleMunmap(Call& call);
long HandleAdvice(Call& call);
long HandleLockAll(Call& call);  // mlockall
// handle_limit.cc
long HandleLimit(Call& call);  // getrlimit, setrlimit, prlimit64
// handle_other.cc
long HandleIoctl(Call& call);
long HandleAio(Call& call);       // io_submit, io_uring_setup
long HandleChdir(Call& call);     // chdir, fchdir, chroot
long HandleMount(Call& call);     // mount, umount2, pivot_root, move_mount, unshare, setns
long HandleByHandle(Call& call);  // open_by_handle_at
long HandleWait(Call& call);      // wait4, waitid
long HandleExit(Call& call);      // exit, exit_group
long HandleArchPrctl(Call& call);
// handle_process.cc: the hooks of seam.h, and:
void RecordModules();

// faults.cc
/// A file call (file_calls.h) while there is a plan: notes it, lets happen to it what the plan
/// says, and hands it on.
long WithPlan(Call& call);
/// A call as it is handled without a plan.
long Handled(Call& call);

/// Bytes that the program asked for, where the call was given `length`.
inline uint64_t AskedFor(const Call& call, uint64_t length) {
  return call.fault != nullptr && call.fault->asked != 0 ? call.fault->asked : length;
}

/// The channel number (1 stdout, 2 stderr, else N) if writes to `fd`, open on (dev, ino), are
/// acknowledgements; else -1.
int FindChannel(int fd, uint64_t dev, uint64_t ino);

/// What to do about EROFS for a call that changes names at `path` (`missing`: what it acts on is
/// not there, which the kernel would have said had the file system been writable) or, with `whole`,
/// the file itself: the error the program would have got without our read-only view, or no return
/// at all because the run is refused.
long OnReadOnly(const Call& call, int dirfd, char* path, bool whole, bool missing);

/// Room for a path or name of unknown length plus the states a record may hold.
inline constexpr uint64_t kNamesRoom = 5 * wire::SectionSize(sizeof(wire::FileState));

}  // namespace oldornew::preload
