#include "explorers/faults/fault_table.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <unordered_map>

#include "base/text.h"
#include "interpose/decode.h"

namespace oldornew {

namespace {

using enum CallKind;
using enum FaultClass;

constexpr bool kLocal = false;
constexpr bool kNetwork = true;
constexpr bool kDefault = true;
constexpr bool kMore = false;

// Sources: the ERRORS sections of the Linux man-pages project, section 2; nfs(5) for what a server
// adds.
// clang-format off
constexpr auto kRows = std::to_array<FaultRow>({
    {kOpen, EACCES, kDenied, kLocal, kDefault, "open(2)"},
    {kOpen, EMFILE, kDescriptors, kLocal, kDefault, "open(2)"},
    {kOpen, EIO, kDevice, kLocal, kDefault, "path_resolution(7), open(2) under fs-specific errors"},
    {kOpen, ENFILE, kDescriptors, kLocal, kMore, "open(2)"},
    {kOpen, ENOMEM, kMemory, kLocal, kMore, "open(2)"},
    {kOpen, EINTR, kInterrupted, kNetwork, kMore, "open(2)"},
    {kOpen, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kOpen, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kOpenToChange, EACCES, kDenied, kLocal, kDefault, "open(2)"},
    {kOpenToChange, EROFS, kReadOnly, kLocal, kDefault, "open(2)"},
    {kOpenToChange, EMFILE, kDescriptors, kLocal, kDefault, "open(2)"},
    {kOpenToChange, EIO, kDevice, kLocal, kDefault,
     "path_resolution(7), open(2) under fs-specific errors"},
    {kOpenToChange, EPERM, kDenied, kLocal, kMore, "open(2)"},
    {kOpenToChange, ETXTBSY, kBusy, kLocal, kMore, "open(2)"},
    {kOpenToChange, ENFILE, kDescriptors, kLocal, kMore, "open(2)"},
    {kOpenToChange, ENOMEM, kMemory, kLocal, kMore, "open(2)"},
    {kOpenToChange, EINTR, kInterrupted, kNetwork, kMore, "open(2)"},
    {kOpenToChange, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kOpenToChange, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kCreate, ENOSPC, kSpace, kLocal, kDefault, "open(2)"},
    {kCreate, EACCES, kDenied, kLocal, kDefault, "open(2)"},
    {kCreate, EROFS, kReadOnly, kLocal, kDefault, "open(2)"},
    {kCreate, EMFILE, kDescriptors, kLocal, kDefault, "open(2)"},
    {kCreate, EIO, kDevice, kLocal, kDefault,
     "path_resolution(7), open(2) under fs-specific errors"},
    {kCreate, EPERM, kDenied, kLocal, kMore, "open(2)"},
    {kCreate, ENFILE, kDescriptors, kLocal, kMore, "open(2)"},
    {kCreate, ENOMEM, kMemory, kLocal, kMore, "open(2)"},
    {kCreate, EDQUOT, kSpace, kNetwork, kMore, "open(2)"},
    {kCreate, EINTR, kInterrupted, kNetwork, kMore, "open(2)"},
    {kCreate, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kCreate, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kRead, EIO, kDevice, kLocal, kDefault, "read(2)"},
    {kRead, EINTR, kInterrupted, kNetwork, kMore, "read(2)"},
    {kRead, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kRead, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kWrite, ENOSPC, kSpace, kLocal, kDefault, "write(2)"},
    {kWrite, EIO, kDevice, kLocal, kDefault, "write(2)"},
    {kWrite, EFBIG, kSpace, kLocal, kMore, "write(2)"},
    {kWrite, EPERM, kDenied, kLocal, kMore, "write(2)"},
    {kWrite, EDQUOT, kSpace, kNetwork, kMore, "write(2)"},
    {kWrite, EINTR, kInterrupted, kNetwork, kMore, "write(2)"},
    {kWrite, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kWrite, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kSync, EIO, kDevice, kLocal, kDefault, "fsync(2)"},
    {kSync, ENOSPC, kSpace, kLocal, kMore, "fsync(2)"},
    {kSync, EROFS, kReadOnly, kLocal, kMore, "fsync(2)"},
    {kSync, EINVAL, kUnsupported, kLocal, kMore, "fsync(2)"},
    {kSync, EDQUOT, kSpace, kNetwork, kMore, "fsync(2)"},
    {kSync, EINTR, kInterrupted, kNetwork, kMore, "fsync(2)"},
    {kSync, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kSync, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kClose, EIO, kDevice, kNetwork, kDefault, "close(2)"},
    {kClose, ENOSPC, kSpace, kNetwork, kMore, "close(2)"},
    {kClose, EDQUOT, kSpace, kNetwork, kMore, "close(2)"},
    {kClose, EINTR, kInterrupted, kNetwork, kMore, "close(2)"},

    {kRename, ENOSPC, kSpace, kLocal, kDefault, "rename(2)"},
    {kRename, EACCES, kDenied, kLocal, kDefault, "rename(2)"},
    {kRename, EXDEV, kOtherDevice, kLocal, kDefault, "rename(2)"},
    {kRename, EROFS, kReadOnly, kLocal, kDefault, "rename(2)"},
    {kRename, EIO, kDevice, kLocal, kDefault, "rename(2) under fs-specific errors"},
    {kRename, EPERM, kDenied, kLocal, kMore, "rename(2)"},
    {kRename, EBUSY, kBusy, kLocal, kMore, "rename(2)"},
    {kRename, EMLINK, kTooMany, kLocal, kMore, "rename(2)"},
    {kRename, EDQUOT, kSpace, kNetwork, kMore, "rename(2)"},
    {kRename, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kRename, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kLink, ENOSPC, kSpace, kLocal, kDefault, "link(2)"},
    {kLink, EPERM, kDenied, kLocal, kDefault, "link(2)"},
    {kLink, EXDEV, kOtherDevice, kLocal, kDefault, "link(2)"},
    {kLink, EROFS, kReadOnly, kLocal, kDefault, "link(2)"},
    {kLink, EIO, kDevice, kLocal, kDefault, "link(2)"},
    {kLink, EMLINK, kTooMany, kLocal, kDefault, "link(2)"},
    {kLink, EACCES, kDenied, kLocal, kMore, "link(2)"},
    {kLink, EDQUOT, kSpace, kNetwork, kMore, "link(2)"},
    {kLink, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kSymlink, ENOSPC, kSpace, kLocal, kDefault, "symlink(2)"},
    {kSymlink, EACCES, kDenied, kLocal, kDefault, "symlink(2)"},
    {kSymlink, EROFS, kReadOnly, kLocal, kDefault, "symlink(2)"},
    {kSymlink, EIO, kDevice, kLocal, kDefault, "symlink(2)"},
    {kSymlink, EPERM, kDenied, kLocal, kMore, "symlink(2)"},
    {kSymlink, EDQUOT, kSpace, kNetwork, kMore, "symlink(2)"},
    {kSymlink, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kUnlink, EACCES, kDenied, kLocal, kDefault, "unlink(2)"},
    {kUnlink, EROFS, kReadOnly, kLocal, kDefault, "unlink(2)"},
    {kUnlink, EIO, kDevice, kLocal, kDefault, "unlink(2)"},
    {kUnlink, EPERM, kDenied, kLocal, kMore, "unlink(2)"},
    {kUnlink, EBUSY, kBusy, kLocal, kMore, "unlink(2)"},
    {kUnlink, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kRemoveDirectory, EACCES, kDenied, kLocal, kDefault, "rmdir(2)"},
    {kRemoveDirectory, EROFS, kReadOnly, kLocal, kDefault, "rmdir(2)"},
    {kRemoveDirectory, EIO, kDevice, kLocal, kDefault, "rmdir(2) under fs-specific errors"},
    {kRemoveDirectory, ENOTEMPTY, kBusy, kLocal, kMore, "rmdir(2)"},
    {kRemoveDirectory, EBUSY, kBusy, kLocal, kMore, "rmdir(2)"},
    {kRemoveDirectory, EPERM, kDenied, kLocal, kMore, "rmdir(2)"},
    {kRemoveDirectory, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kMakeDirectory, ENOSPC, kSpace, kLocal, kDefault, "mkdir(2)"},
    {kMakeDirectory, EACCES, kDenied, kLocal, kDefault, "mkdir(2)"},
    {kMakeDirectory, EROFS, kReadOnly, kLocal, kDefault, "mkdir(2)"},
    {kMakeDirectory, EIO, kDevice, kLocal, kDefault, "mkdir(2) under fs-specific errors"},
    {kMakeDirectory, EMLINK, kTooMany, kLocal, kMore, "mkdir(2)"},
    {kMakeDirectory, EDQUOT, kSpace, kNetwork, kMore, "mkdir(2)"},
    {kMakeDirectory, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kMakeNode, ENOSPC, kSpace, kLocal, kDefault, "mknod(2)"},
    {kMakeNode, EACCES, kDenied, kLocal, kDefault, "mknod(2)"},
    {kMakeNode, EROFS, kReadOnly, kLocal, kDefault, "mknod(2)"},
    {kMakeNode, EPERM, kDenied, kLocal, kMore, "mknod(2)"},

    {kTruncate, EIO, kDevice, kLocal, kDefault, "truncate(2)"},
    {kTruncate, EPERM, kDenied, kLocal, kDefault, "truncate(2)"},
    {kTruncate, EROFS, kReadOnly, kLocal, kDefault, "truncate(2)"},
    {kTruncate, ENOSPC, kSpace, kLocal, kMore,
     "truncate(2) under fs-specific errors: a block that is cut is rewritten"},
    {kTruncate, EFBIG, kSpace, kLocal, kMore, "truncate(2)"},
    {kTruncate, ETXTBSY, kBusy, kLocal, kMore, "truncate(2)"},
    {kTruncate, EINTR, kInterrupted, kNetwork, kMore, "truncate(2)"},
    {kTruncate, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kAllocate, ENOSPC, kSpace, kLocal, kDefault, "fallocate(2)"},
    {kAllocate, EIO, kDevice, kLocal, kDefault, "fallocate(2)"},
    {kAllocate, EOPNOTSUPP, kUnsupported, kLocal, kDefault, "fallocate(2)"},
    {kAllocate, EFBIG, kSpace, kLocal, kMore, "fallocate(2)"},
    {kAllocate, EINTR, kInterrupted, kLocal, kMore, "fallocate(2)"},
    {kAllocate, EPERM, kDenied, kLocal, kMore, "fallocate(2)"},

    {kMode, EPERM, kDenied, kLocal, kDefault, "chmod(2)"},
    {kMode, EROFS, kReadOnly, kLocal, kDefault, "chmod(2)"},
    {kMode, EIO, kDevice, kLocal, kDefault, "chmod(2)"},
    {kMode, EACCES, kDenied, kLocal, kMore, "chmod(2)"},
    {kMode, EOPNOTSUPP, kUnsupported, kLocal, kMore, "fchmodat(2)"},
    {kMode, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kOwner, EPERM, kDenied, kLocal, kDefault, "chown(2)"},
    {kOwner, EROFS, kReadOnly, kLocal, kDefault, "chown(2)"},
    {kOwner, EIO, kDevice, kLocal, kDefault, "fchown(2)"},
    {kOwner, EINVAL, kUnsupported, kLocal, kMore, "user_namespaces(7): an id without a mapping"},
    {kOwner, EACCES, kDenied, kLocal, kMore, "chown(2)"},
    {kOwner, EDQUOT, kSpace, kNetwork, kMore, "setxattr(2), quota of the new owner"},
    {kOwner, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kSetXattr, EOPNOTSUPP, kUnsupported, kLocal, kDefault, "setxattr(2)"},
    {kSetXattr, ENOSPC, kSpace, kLocal, kDefault, "setxattr(2)"},
    {kSetXattr, EPERM, kDenied, kLocal, kDefault, "setxattr(2)"},
    {kSetXattr, EROFS, kReadOnly, kLocal, kMore, "xattr(7), as of chmod(2)"},
    {kSetXattr, EDQUOT, kSpace, kNetwork, kMore, "setxattr(2)"},

    {kTimes, EPERM, kDenied, kLocal, kDefault, "utimensat(2)"},
    {kTimes, EROFS, kReadOnly, kLocal, kMore, "utimensat(2)"},
    {kTimes, EACCES, kDenied, kLocal, kMore, "utimensat(2)"},

    {kLook, EACCES, kDenied, kLocal, kDefault, "stat(2), access(2), readlink(2)"},
    {kLook, EIO, kDevice, kLocal, kDefault, "access(2), readlink(2)"},
    {kLook, ENOMEM, kMemory, kLocal, kMore, "stat(2)"},
    {kLook, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},
    {kLook, ETIMEDOUT, kDevice, kNetwork, kMore, "nfs(5), soft"},

    {kLookOpen, ENOMEM, kMemory, kLocal, kMore, "stat(2)"},
    {kLookOpen, EIO, kDevice, kNetwork, kMore, "nfs(5)"},
    {kLookOpen, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kList, EIO, kDevice, kLocal, kDefault, "getdents(2) under fs-specific errors, readdir(3p)"},
    {kList, ESTALE, kDevice, kNetwork, kMore, "nfs(5)"},

    {kLock, ENOLCK, kTooMany, kLocal, kMore, "flock(2), fcntl_locking(2)"},
    {kLock, EINTR, kInterrupted, kLocal, kMore, "flock(2), fcntl_locking(2)"},
    {kLock, EIO, kDevice, kNetwork, kMore, "nfs(5)"},

    {kMap, ENOMEM, kMemory, kLocal, kMore, "mmap(2)"},
    {kMap, ENODEV, kUnsupported, kNetwork, kMore, "mmap(2)"},
});

// clang-format on

}  // namespace

const std::vector<FaultRow>& FaultTable() {
  static const std::vector<FaultRow> table(kRows.begin(), kRows.end());
  return table;
}

std::vector<FaultRow> FaultsOf(CallKind kind, bool all) {
  std::vector<FaultRow> out;
  for (const FaultRow& row : kRows) {
    if (row.kind == kind && (all || row.by_default)) out.push_back(row);
  }
  return out;
}

}  // namespace oldornew
