#include "cases/call_kind.h"

#include <fcntl.h>

#include <array>
#include <string_view>
#include <unordered_map>

#include "base/text.h"

namespace oldornew {

namespace {

using enum CallKind;

// clang-format off
struct KindOfCalls {
  CallKind kind;
  std::string_view names;  // between spaces
};
constexpr auto kNames = std::to_array<KindOfCalls>({
    {kOpen, " open openat openat2 "},
    {kCreate, " creat "},
    {kRead, " read pread64 readv preadv preadv2 "},
    {kWrite, " write pwrite64 writev pwritev pwritev2 sendfile splice copy_file_range "},
    {kSync, " fsync fdatasync sync_file_range syncfs "},
    {kClose, " close "},
    {kRename, " rename renameat renameat2 "},
    {kLink, " link linkat "},
    {kSymlink, " symlink symlinkat "},
    {kUnlink, " unlink unlinkat "},
    {kRemoveDirectory, " rmdir "},
    {kMakeDirectory, " mkdir mkdirat "},
    {kMakeNode, " mknod mknodat "},
    {kTruncate, " truncate ftruncate "},
    {kAllocate, " fallocate "},
    {kMode, " chmod fchmod fchmodat fchmodat2 "},
    {kOwner, " chown fchown lchown fchownat "},
    {kSetXattr,
     " setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr "
     "removexattrat "},
    {kTimes, " utime utimes utimensat futimesat "},
    {kLook,
     " stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat statfs chdir "
     "getxattr lgetxattr listxattr llistxattr "},
    {kLookOpen, " fstat fstatfs fgetxattr flistxattr fchdir "},
    {kList, " getdents getdents64 "},
    {kLock, " flock "},
    {kMap, " mmap "},
});
// clang-format on

}  // namespace

CallKind KindOfName(const std::string& name) {
  static const std::unordered_map<std::string, CallKind> kinds = [] {
    std::unordered_map<std::string, CallKind> out;
    for (const KindOfCalls& row : kNames) {
      for (const std::string& word : Split(row.names, ' ')) {
        if (!word.empty()) out.emplace(word, row.kind);
      }
    }
    return out;
  }();
  const auto found = kinds.find(name);
  return found == kinds.end() ? kOther : found->second;
}

CallKind KindOfCall(const FileCall& call) {
  const CallKind kind = KindOfName(call.call);
  if (kind != kOpen) {
    // A call on a descriptor that takes an empty path looks at what is open: newfstatat(fd, "").
    return kind == kLook && call.descriptor >= 0 ? kLookOpen : kind;
  }
  if ((call.open_flags & O_CREAT) != 0 || (call.open_flags & O_TMPFILE) == O_TMPFILE)
    return kCreate;
  const uint32_t access = call.open_flags & O_ACCMODE;
  return access == O_RDONLY && (call.open_flags & O_TRUNC) == 0 ? kOpen : kOpenToChange;
}

bool OnlyLooks(CallKind kind) {
  return kind == kOpen || kind == kLook || kind == kLookOpen || kind == kList || kind == kLock ||
         kind == kMap || kind == kOther;
}

bool Changes(CallKind kind) {
  return !OnlyLooks(kind) && kind != kRead && kind != kSync && kind != kClose && kind != kTimes;
}

bool CanFailAfterwards(CallKind kind) {
  return kind == kRename || kind == kLink || kind == kUnlink || kind == kSync || kind == kClose ||
         kind == kCreate;
}

}  // namespace oldornew
