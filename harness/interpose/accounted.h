// The system calls for which every process keeps account: how many were begun, how many came back,
// how many were let by without a record. What came back and was not let by must be there as a
// record, or the recording is incomplete (completeness.h). Shared with the preload library.
#pragma once

#include <asm/unistd.h>
#include <stdint.h>

namespace oldornew::wire {

/// Calls newer than the headers stand as numbers.
inline constexpr int kAccountedCalls[] = {
    __NR_write,
    __NR_pwrite64,
    __NR_writev,
    __NR_pwritev,
    __NR_pwritev2,
    __NR_sendfile,
    __NR_splice,
    __NR_truncate,
    __NR_ftruncate,
    __NR_fallocate,
    __NR_fsync,
    __NR_fdatasync,
    __NR_sync,
    __NR_syncfs,
    __NR_sync_file_range,
    __NR_msync,
    __NR_openat,
    __NR_openat2,
    __NR_close,
    __NR_close_range,
    __NR_dup,
    __NR_dup3,
    __NR_fcntl,
    __NR_mkdirat,
    __NR_mknodat,
    __NR_symlinkat,
    __NR_linkat,
    __NR_unlinkat,
    __NR_renameat2,
    __NR_fchmod,
    __NR_fchmodat,
    __NR_fchown,
    __NR_fchownat,
    __NR_utimensat,
    __NR_setxattr,
    __NR_lsetxattr,
    __NR_fsetxattr,
    __NR_removexattr,
    __NR_lremovexattr,
    __NR_fremovexattr,
    __NR_ioctl,
    __NR_bind,
    __NR_wait4,
    __NR_waitid,
    __NR_copy_file_range,
    __NR_sendto,
    __NR_sendmsg,
    __NR_sendmmsg,
    452,  // fchmodat2
    463,  // setxattrat
    466,  // removexattrat
#ifdef __NR_renameat
    __NR_renameat,
#endif
#ifdef __NR_open  // the calls without a directory descriptor, which younger architectures do not have
    __NR_open,
    __NR_creat,
    __NR_dup2,
    __NR_mkdir,
    __NR_mknod,
    __NR_symlink,
    __NR_link,
    __NR_unlink,
    __NR_rmdir,
    __NR_rename,
    __NR_chmod,
    __NR_chown,
    __NR_lchown,
    __NR_utime,
    __NR_utimes,
    __NR_futimesat,
#endif
};

inline constexpr int kAccountedCount = sizeof kAccountedCalls / sizeof *kAccountedCalls;
inline constexpr int kAccountRoom = 80;  // entries of wire::Account, some of them for times to come
static_assert(kAccountedCount <= kAccountRoom);

inline constexpr int kAccountedLimit = 512;  // numbers below

struct AccountedIndex {
  int8_t at[kAccountedLimit];
};

constexpr AccountedIndex IndexAccountedCalls() {
  AccountedIndex index = {};
  for (int i = 0; i < kAccountedLimit; i++) index.at[i] = -1;
  for (int i = 0; i < kAccountedCount; i++) index.at[kAccountedCalls[i]] = static_cast<int8_t>(i);
  return index;
}

inline constexpr AccountedIndex kAccountedIndex = IndexAccountedCalls();

/// Where the call with that number stands in an account, or -1.
constexpr int AccountedAt(long nr) {
  return nr >= 0 && nr < kAccountedLimit ? kAccountedIndex.at[nr] : -1;
}

/// The calls whose transfer the kernel adds to wchar of /proc/PID/io.
inline bool KernelAddsUp(long nr) {
  switch (nr) {
    case __NR_write:
    case __NR_pwrite64:
    case __NR_writev:
    case __NR_pwritev:
    case __NR_pwritev2:
    case __NR_sendfile:
    case __NR_copy_file_range:
      return true;
    default:
      return false;
  }
}

}  // namespace oldornew::wire
