// The system calls that a fault plan can hit (plan.h): those that take a path or work on a file's
// descriptor, with where in their arguments these stand. Shared with the preload library.
//
// Left out: what cannot fail for a reason of the file's (lseek, fcntl of flags), what is about all
// files (sync, close_range), and what ends or replaces the process.
#pragma once

#include <asm/unistd.h>
#include <stdint.h>

namespace oldornew::wire {

/// What becomes of a symlink in the last component.
enum class LastLink : uint8_t {
  kFollowed,
  kNotFollowed,
  kByAtFlags,    ///< not followed if argument `flags` has AT_SYMLINK_NOFOLLOW
  kByLinkFlags,  ///< followed if argument `flags` has AT_SYMLINK_FOLLOW
  kByOpenFlags,  ///< not followed if argument `flags` has O_NOFOLLOW, or O_CREAT and O_EXCL
};

/// Indices of arguments; -1: none.
struct FileCallShape {
  int16_t nr;
  int8_t path = -1;
  int8_t dirfd = -1;  ///< where `path` starts from; -1: the current directory
  int8_t path2 = -1;
  int8_t dirfd2 = -1;
  int8_t fd = -1;      ///< of calls that take no path. Of two, the one that is written to
  int8_t fd2 = -1;     ///< the one that is read
  int8_t bytes = -1;   ///< how much shall be transferred
  int8_t vector = -1;  ///< iovecs; their number is in the next argument
  LastLink last = LastLink::kFollowed;
  int8_t flags = -1;
};

constexpr FileCallShape OfPath(int nr, int path, int dirfd = -1,
                               LastLink last = LastLink::kFollowed, int flags = -1) {
  FileCallShape shape = {static_cast<int16_t>(nr)};
  shape.path = static_cast<int8_t>(path);
  shape.dirfd = static_cast<int8_t>(dirfd);
  shape.last = last;
  shape.flags = static_cast<int8_t>(flags);
  return shape;
}

constexpr FileCallShape OfTwoPaths(int nr, int path, int dirfd, int path2, int dirfd2,
                                   LastLink last, int flags = -1) {
  FileCallShape shape = OfPath(nr, path, dirfd, last, flags);
  shape.path2 = static_cast<int8_t>(path2);
  shape.dirfd2 = static_cast<int8_t>(dirfd2);
  return shape;
}

constexpr FileCallShape OfDescriptor(int nr, int fd, int bytes = -1) {
  FileCallShape shape = {static_cast<int16_t>(nr)};
  shape.fd = static_cast<int8_t>(fd);
  shape.bytes = static_cast<int8_t>(bytes);
  return shape;
}

constexpr FileCallShape OfVector(int nr) {
  FileCallShape shape = OfDescriptor(nr, 0);
  shape.vector = 1;
  return shape;
}

constexpr FileCallShape OfTransfer(int nr, int to, int from, int bytes) {
  FileCallShape shape = OfDescriptor(nr, to, bytes);
  shape.fd2 = static_cast<int8_t>(from);
  return shape;
}

inline constexpr FileCallShape kFileCalls[] = {
    OfDescriptor(__NR_read, 0, 2),
    OfDescriptor(__NR_pread64, 0, 2),
    OfVector(__NR_readv),
    OfVector(__NR_preadv),
    OfVector(__NR_preadv2),
    OfDescriptor(__NR_write, 0, 2),
    OfDescriptor(__NR_pwrite64, 0, 2),
    OfVector(__NR_writev),
    OfVector(__NR_pwritev),
    OfVector(__NR_pwritev2),
    OfTransfer(__NR_sendfile, 0, 1, 3),
    OfTransfer(__NR_splice, 2, 0, 4),
    OfTransfer(__NR_copy_file_range, 2, 0, 4),
    OfDescriptor(__NR_ioctl, 0),  // FICLONE, FICLONERANGE
    OfDescriptor(__NR_mmap, 4, 1),
    OfPath(__NR_truncate, 0),
    OfDescriptor(__NR_ftruncate, 0),
    OfDescriptor(__NR_fallocate, 0),
    OfDescriptor(__NR_fadvise64, 0),
    OfDescriptor(__NR_fsync, 0),
    OfDescriptor(__NR_fdatasync, 0),
    OfDescriptor(__NR_syncfs, 0),
    OfDescriptor(__NR_sync_file_range, 0),
    OfPath(__NR_openat, 1, 0, LastLink::kByOpenFlags, 2),
    OfPath(__NR_openat2, 1, 0),
    OfDescriptor(__NR_close, 0),
    OfDescriptor(__NR_dup, 0),
    OfDescriptor(__NR_dup3, 0),
    OfDescriptor(__NR_fcntl, 0),  // locks and duplicates
    OfDescriptor(__NR_flock, 0),
    OfDescriptor(__NR_getdents64, 0, 2),
    OfDescriptor(__NR_fstat, 0),
    OfDescriptor(__NR_fstatfs, 0),
    OfDescriptor(__NR_fchdir, 0),
    OfDescriptor(__NR_fchmod, 0),
    OfDescriptor(__NR_fchown, 0),
    OfDescriptor(__NR_fsetxattr, 0),
    OfDescriptor(__NR_fgetxattr, 0),
    OfDescriptor(__NR_flistxattr, 0),
    OfDescriptor(__NR_fremovexattr, 0),
    OfPath(__NR_newfstatat, 1, 0, LastLink::kByAtFlags, 3),
    OfPath(__NR_statx, 1, 0, LastLink::kByAtFlags, 2),
    OfPath(__NR_statfs, 0),
    OfPath(__NR_faccessat, 1, 0),
    OfPath(439 /* faccessat2 */, 1, 0, LastLink::kByAtFlags, 3),
    OfPath(__NR_readlinkat, 1, 0, LastLink::kNotFollowed),
    OfPath(__NR_chdir, 0),
    OfPath(__NR_chroot, 0),
    OfPath(__NR_mkdirat, 1, 0, LastLink::kNotFollowed),
    OfPath(__NR_mknodat, 1, 0, LastLink::kNotFollowed),
    OfPath(__NR_symlinkat, 2, 1, LastLink::kNotFollowed),
    OfPath(__NR_unlinkat, 1, 0, LastLink::kNotFollowed),
    OfTwoPaths(__NR_linkat, 1, 0, 3, 2, LastLink::kByLinkFlags, 4),
    OfTwoPaths(__NR_renameat2, 1, 0, 3, 2, LastLink::kNotFollowed),
    OfPath(__NR_fchmodat, 1, 0),
    OfPath(452 /* fchmodat2 */, 1, 0, LastLink::kByAtFlags, 3),
    OfPath(__NR_fchownat, 1, 0, LastLink::kByAtFlags, 4),
    OfPath(__NR_utimensat, 1, 0, LastLink::kByAtFlags, 3),
    OfPath(__NR_setxattr, 0),
    OfPath(__NR_getxattr, 0),
    OfPath(__NR_listxattr, 0),
    OfPath(__NR_removexattr, 0),
    OfPath(__NR_lsetxattr, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_lgetxattr, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_llistxattr, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_lremovexattr, 0, -1, LastLink::kNotFollowed),
    OfPath(463 /* setxattrat */, 1, 0, LastLink::kByAtFlags, 2),
    OfPath(464 /* getxattrat */, 1, 0, LastLink::kByAtFlags, 2),
    OfPath(465 /* listxattrat */, 1, 0, LastLink::kByAtFlags, 2),
    OfPath(466 /* removexattrat */, 1, 0, LastLink::kByAtFlags, 2),
    OfPath(__NR_inotify_add_watch, 1),
#ifdef __NR_renameat
    OfTwoPaths(__NR_renameat, 1, 0, 3, 2, LastLink::kNotFollowed),
#endif
#ifdef __NR_open  // the calls without a directory descriptor, which younger architectures do not have
    OfPath(__NR_open, 0, -1, LastLink::kByOpenFlags, 1),
    OfPath(__NR_creat, 0),
    OfDescriptor(__NR_dup2, 0),
    OfPath(__NR_stat, 0),
    OfPath(__NR_lstat, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_access, 0),
    OfPath(__NR_readlink, 0, -1, LastLink::kNotFollowed),
    OfDescriptor(__NR_getdents, 0, 2),
    OfPath(__NR_mkdir, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_mknod, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_symlink, 1, -1, LastLink::kNotFollowed),
    OfTwoPaths(__NR_link, 0, -1, 1, -1, LastLink::kNotFollowed),
    OfPath(__NR_unlink, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_rmdir, 0, -1, LastLink::kNotFollowed),
    OfTwoPaths(__NR_rename, 0, -1, 1, -1, LastLink::kNotFollowed),
    OfPath(__NR_chmod, 0),
    OfPath(__NR_chown, 0),
    OfPath(__NR_lchown, 0, -1, LastLink::kNotFollowed),
    OfPath(__NR_utime, 0),
    OfPath(__NR_utimes, 0),
    OfPath(__NR_futimesat, 1, 0),
#endif
};

inline constexpr int kFileCallCount = sizeof kFileCalls / sizeof *kFileCalls;
static_assert(kFileCallCount < 128);
inline constexpr int kFileCallLimit = 512;  // numbers below

struct FileCallIndex {
  int8_t at[kFileCallLimit];
};

constexpr FileCallIndex IndexFileCalls() {
  FileCallIndex index = {};
  for (int i = 0; i < kFileCallLimit; i++) index.at[i] = -1;
  for (int i = 0; i < kFileCallCount; i++) index.at[kFileCalls[i].nr] = static_cast<int8_t>(i);
  return index;
}

inline constexpr FileCallIndex kFileCallIndex = IndexFileCalls();

/// Null: no file call, whatever its arguments.
constexpr const FileCallShape* ShapeOf(long nr) {
  if (nr < 0 || nr >= kFileCallLimit || kFileCallIndex.at[nr] < 0) return nullptr;
  return &kFileCalls[kFileCallIndex.at[nr]];
}

}  // namespace oldornew::wire
