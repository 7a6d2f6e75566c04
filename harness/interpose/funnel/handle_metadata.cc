// Modes, owners, times and extended attributes. What they are is taken from the kernel after the
// call, never worked out: an ACL that is really a chmod, a chown that clears the set-user-id bit
// (persistence-model.md 7.6.11).
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/funnel/numbers.h"

namespace oldornew::preload {

using wire::RecordKind;
using wire::SectionType;

namespace {

constexpr uint64_t kMaxValue = 65536;  // XATTR_SIZE_MAX
constexpr const char kAccessAcl[] = "system.posix_acl_access";

struct Subject {
  RecordKind kind = RecordKind::kSetAttributes;
  int dirfd = AT_FDCWD;  // or, without a path, the descriptor
  int path_index = -1;   // -1: by descriptor
  int at_flags = 0;      // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
  int key_index = -1;
  uint64_t value = 0;  // in the program's memory
  uint64_t value_size = 0;
};

int AtFlags(long flags) { return (int)flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH); }

Subject OfPath(RecordKind kind, long dirfd, int path_index, long flags = 0) {
  Subject subject;
  subject.kind = kind;
  subject.dirfd = (int)dirfd;
  subject.path_index = path_index;
  subject.at_flags = AtFlags(flags);
  return subject;
}

/// utimensat(fd, NULL, ...) and futimesat(fd, NULL, ...) act on the descriptor.
Subject OfTimes(const Call& call, long flags) {
  return OfPath(RecordKind::kSetTimes, call.args[0], call.args[1] == 0 ? -1 : 1, flags);
}

Subject DescribeAttributes(const Call& call) {
  switch (call.nr) {
    case SYS_chmod:
    case SYS_chown:
      return OfPath(RecordKind::kSetAttributes, AT_FDCWD, 0);
    case SYS_lchown:
      return OfPath(RecordKind::kSetAttributes, AT_FDCWD, 0, AT_SYMLINK_NOFOLLOW);
    case SYS_fchmod:
    case SYS_fchown:
      return OfPath(RecordKind::kSetAttributes, call.args[0], -1);
    case SYS_fchmodat:
      return OfPath(RecordKind::kSetAttributes, call.args[0], 1);
    case kSysFchmodat2:
      return OfPath(RecordKind::kSetAttributes, call.args[0], 1, call.args[3]);
    case SYS_fchownat:
      return OfPath(RecordKind::kSetAttributes, call.args[0], 1, call.args[4]);
    case SYS_futimesat:
      return OfTimes(call, 0);
    case SYS_utimensat:
      return OfTimes(call, call.args[3]);
    default:
      return OfPath(RecordKind::kSetTimes, AT_FDCWD, 0);  // utime, utimes
  }
}

struct XattrArguments {  // struct xattr_args of linux/xattr.h 6.13
  uint64_t value;
  uint32_t size;
  uint32_t flags;
};

Subject DescribeXattr(const Call& call) {
  bool set = call.nr == SYS_setxattr || call.nr == SYS_lsetxattr || call.nr == SYS_fsetxattr ||
             call.nr == kSysSetxattrat;
  RecordKind kind = set ? RecordKind::kSetXattr : RecordKind::kRemoveXattr;
  Subject subject;
  switch (call.nr) {
    case SYS_fsetxattr:
    case SYS_fremovexattr:
      subject = OfPath(kind, call.args[0], -1);
      break;
    case SYS_lsetxattr:
    case SYS_lremovexattr:
      subject = OfPath(kind, AT_FDCWD, 0, AT_SYMLINK_NOFOLLOW);
      break;
    case kSysSetxattrat:
    case kSysRemovexattrat:
      subject = OfPath(kind, call.args[0], 1, call.args[2]);
      break;
    default:
      subject = OfPath(kind, AT_FDCWD, 0);
  }
  bool at = call.nr == kSysSetxattrat || call.nr == kSysRemovexattrat;
  subject.key_index = at ? 3 : 1;
  if (call.nr == kSysSetxattrat) {
    XattrArguments arguments = {};
    if (CopyIn(&arguments, (const XattrArguments*)call.args[4]) == 0) {
      subject.value = arguments.value;
      subject.value_size = arguments.size;
    }
  } else if (set) {
    subject.value = (uint64_t)call.args[2];
    subject.value_size = (uint64_t)call.args[3];
  }
  if (subject.value_size > kMaxValue) subject.value_size = kMaxValue;  // E2BIG
  return subject;
}

long LookAt(const Subject& subject, wire::FileState* state) {
  if (subject.path_index < 0) return StatDescriptor(subject.dirfd, state);
  return StatAt(subject.dirfd, g_path, subject.at_flags, state);
}

/// The value of `key` as the kernel keeps it now, into `to`. -ENODATA and other errors as they
/// come.
long ReadValue(const Subject& subject, const char* key, char* to) {
  if (subject.path_index < 0) return Gate(SYS_fgetxattr, subject.dirfd, key, to, kMaxValue);
  char link[32];
  long fd =
      Gate(SYS_openat, subject.dirfd, g_path,
           O_PATH | O_CLOEXEC | ((subject.at_flags & AT_SYMLINK_NOFOLLOW) != 0 ? O_NOFOLLOW : 0));
  if (fd < 0) return fd;
  long result = Gate(SYS_getxattr, ProcFdPath((int)fd, link), key, to, kMaxValue);
  Gate(SYS_close, fd);
  return result;
}

/// The ACL the file has now, if it has one: chmod changes it too, and setting one may store none.
void AddStoredValue(RecordWriter& record, const Subject& subject, const char* key,
                    bool say_if_absent) {
  char* value = record.Open(SectionType::kData, kMaxValue);
  long length = value != nullptr ? ReadValue(subject, key, value) : -ENODATA;
  if (length < 0) {
    record.DropLast(value);
    if (!say_if_absent) return;
    record->flags |= wire::kValueAbsent;
  } else {
    record.ShrinkTo(value, (uint64_t)length);
    if (!say_if_absent) record.AddText(SectionType::kKey, key);
  }
}

void LookAfter(RecordWriter& record, const Subject& subject, const char* key) {
  wire::FileState after;
  if (LookAt(subject, &after) == 0) record.AddState(SectionType::kObjectAfter, after);
  if (UnderProgramFilter()) return;
  if (subject.kind == RecordKind::kSetXattr && !StartsWith(key, "user.")) {
    AddStoredValue(record, subject, key, true);
  } else if (subject.kind == RecordKind::kSetAttributes && !S_ISLNK(after.mode)) {
    AddStoredValue(record, subject, kAccessAcl, false);
  }
}

long Run(Call& call, const Subject& subject) {
  if (subject.path_index >= 0) call.args[subject.path_index] = (long)g_path;
  if (subject.key_index >= 0) call.args[subject.key_index] = (long)g_path2;
  return CarryOut(call);
}

}  // namespace

long HandleMetadata(Call& call) {
  bool xattr = IsXattrCall(call.nr);
  Subject subject = xattr ? DescribeXattr(call) : DescribeAttributes(call);
  const BeginTicket begin;
  FileLock lock;
  long length = 0;
  if (subject.path_index >= 0)
    length = CopyInString(g_path, (const char*)call.args[subject.path_index], kPathMax);
  g_path2[0] = 0;
  long key = subject.key_index >= 0
                 ? CopyInString(g_path2, (const char*)call.args[subject.key_index], 256)
                 : 0;
  wire::FileState before;
  if (length < 0 || key < 0 || LookAt(subject, &before) != 0) return PassBy(call, Pass::kFails);
  bool outside = subject.path_index >= 0 ? !InsideRoots(subject.dirfd, g_path, true)
                                         : !DescriptorInsideRoots(subject.dirfd);
  if (outside) Refuse(call, subject.dirfd, subject.path_index >= 0 ? g_path : nullptr);
  bool exact = subject.kind == RecordKind::kSetXattr && StartsWith(g_path2, "user.");
  uint64_t values =
      subject.kind == RecordKind::kSetTimes || subject.kind == RecordKind::kRemoveXattr ? 0
      : exact ? subject.value_size
              : kMaxValue;
  RecordWriter record(lock, subject.kind, call, begin.Use(),
                      wire::SectionSize((uint64_t)length) + 2 * wire::SectionSize(256) +
                          wire::SectionSize(values) + kNamesRoom);
  if (subject.path_index < 0) record->descriptor = subject.dirfd;
  if (subject.path_index >= 0) record.Add(SectionType::kPath, g_path, (uint64_t)length);
  if (subject.key_index >= 0) record.Add(SectionType::kKey, g_path2, (uint64_t)key);
  record.AddState(SectionType::kObjectBefore, before);
  if (exact && subject.value_size > 0) {
    char* value = record.Open(SectionType::kData, subject.value_size);
    if (value == nullptr || CopyIn(value, (const void*)subject.value, subject.value_size) != 0)
      record.ShrinkTo(value, 0);
  }
  record.Begun();
  long result = Run(call, subject);
  if (result == -EROFS) {
    if (subject.path_index < 0 && !IsReplaced(call) &&
        (g_header->flags & wire::kRefuseReadOnly) != 0)
      Refuse(call, subject.dirfd, nullptr);
    result = OnReadOnly(call, subject.dirfd, g_path, true, false);
  }
  if (result == 0) LookAfter(record, subject, g_path2);
  return record.Done(result);
}

}  // namespace oldornew::preload
