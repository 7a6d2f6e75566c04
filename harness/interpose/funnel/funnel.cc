// The funnel: every system call of the program comes by here once. Calls that cannot change a file,
// a name or what is on disk are carried out at once, without a further system call.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include "interpose/funnel/account.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/hole.h"
#include "interpose/funnel/numbers.h"
#include "interpose/funnel/seam.h"

namespace oldornew::preload {

namespace {

/// Those opens that are not accounted for are for reading only.
bool IsOpen(long nr) { return nr == SYS_openat || nr == SYS_open; }

long HandleRest(Call& call) {
  switch (call.nr) {
    case SYS_mmap:
      return HandleMmap(call);
    case SYS_mprotect:
    case SYS_pkey_mprotect:
      return HandleProtect(call);
    case SYS_mremap:
      return HandleMremap(call);
    case SYS_munmap:
      return HandleMunmap(call);
    case SYS_madvise:
    case SYS_process_madvise:
      return HandleAdvice(call);
    case SYS_mlockall:
      return HandleLockAll(call);
    case SYS_getrlimit:
    case SYS_setrlimit:
    case SYS_prlimit64:
      return HandleLimit(call);
    case SYS_ioctl:
      return HandleIoctl(call);
    case SYS_io_submit:
    case SYS_io_uring_setup:
      return HandleAio(call);
    case SYS_mount:
    case SYS_umount2:
    case SYS_pivot_root:
    case SYS_move_mount:
    case SYS_fsmount:
    case SYS_mount_setattr:
    case SYS_unshare:
    case SYS_setns:
      return HandleMount(call);
    case SYS_open_by_handle_at:
      return HandleByHandle(call);
    case SYS_chdir:
    case SYS_fchdir:
    case SYS_chroot:
      return HandleChdir(call);
    case SYS_arch_prctl:
      DistrustThreadPointer();
      return CarryOut(call);
    case SYS_bind:
      return HandleBind(call);
    case SYS_wait4:
    case SYS_waitid:
      return HandleWait(call);
    case SYS_exit:
    case SYS_exit_group:
      return HandleExit(call);
    default:
      return CarryOut(call);
  }
}

long HandleNames(Call& call) {
  switch (call.nr) {
    case SYS_mkdir:
    case SYS_mkdirat:
    case SYS_mknod:
    case SYS_mknodat:
    case SYS_symlink:
    case SYS_symlinkat:
      return HandleMake(call);
    case SYS_link:
    case SYS_linkat:
      return HandleLink(call);
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_rmdir:
      return HandleUnlink(call);
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
      return HandleRename(call);
    case SYS_chmod:
    case SYS_fchmod:
    case SYS_fchmodat:
    case kSysFchmodat2:
    case SYS_chown:
    case SYS_fchown:
    case SYS_lchown:
    case SYS_fchownat:
    case SYS_utime:
    case SYS_utimes:
    case SYS_futimesat:
    case SYS_utimensat:
      return HandleMetadata(call);
    case kSysFileSetattr: {
      long result = CarryOut(call);
      if (result >= 0) RecordUnsupported(call, "changes inode flags (file_setattr)", -1, nullptr);
      return result;
    }
    default:
      return IsXattrCall(call.nr) ? HandleMetadata(call) : HandleRest(call);
  }
}

}  // namespace

namespace {

long Handle(Call& call) {
  switch (call.nr) {
    case SYS_write:
    case SYS_pwrite64:
    case SYS_writev:
    case SYS_pwritev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
      return HandleWrite(call);
    case SYS_sendfile:
    case SYS_splice:
    case SYS_copy_file_range:
      return HandleTransfer(call);
    case SYS_truncate:
    case SYS_ftruncate:
      return HandleTruncate(call);
    case SYS_fallocate:
      return HandleAllocate(call);
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_sync:
    case SYS_syncfs:
    case SYS_sync_file_range:
    case SYS_msync:
      return HandleSync(call);
    case SYS_open:
    case SYS_openat:
    case SYS_creat:
    case SYS_openat2:
      return HandleOpen(call);
    case SYS_close:
    case SYS_close_range:
      return HandleClose(call);
    case SYS_dup:
    case SYS_dup2:
    case SYS_dup3:
      return HandleDup(call);
    case SYS_fcntl:
      return HandleFcntl(call);
    default:
      return HandleNames(call);
  }
}

}  // namespace

long Funnel(Call& call) {
  if (g_header == nullptr) return CarryOut(call);
  if (__atomic_load_n(&g_header->stop, __ATOMIC_RELAXED) != 0) Gate(SYS_kill, ProcessId(), SIGKILL);
  if (IsHole(Hole::kUncounted, call.nr)) return CarryOut(call);
  if (IsHole(Hole::kDisarmed, call.nr)) {
    DisarmThread();
    return CarryOut(call);
  }
  uint64_t slot = (uint64_t)call.nr < wire::kMaxSyscall ? (uint64_t)call.nr : wire::kMaxSyscall - 1;
  __atomic_fetch_add(&g_header->calls[slot], 1, __ATOMIC_RELAXED);
  return g_header->planned != 0 ? WithPlan(call) : Handled(call);
}

long Handled(Call& call) {
  if (call.nr == SYS_read || call.nr == SYS_lseek) return CarryOut(call);
  const int index = AccountedAt(call);
  if (index < 0) return IsOpen(call.nr) ? CarryOut(call) : Handle(call);
  NoteEntered(index);
  const long result = IsHole(Hole::kCounted, call.nr) ? CarryOut(call) : Handle(call);
  NoteReturned(index, call, result);
  if (IsHole(Hole::kLost, call.nr)) WipeLastRecord();
  return result;
}

}  // namespace oldornew::preload
