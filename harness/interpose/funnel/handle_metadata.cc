// Modes, owners, times and extended attributes. What they are is taken from the kernel after the
// call, never worked out: an ACL that is really a chmod, a chown that clears the set-user-id bit
// (persistence-model.md 7.6.11).
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/file_calls.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/record_kinds.h"

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

/// Which file a call is about: by the call's row in syscalls.def.
Subject SubjectOf(const Call& call) {
  const wire::FileCallShape& shape = *wire::ShapeOf(call.nr);
  Subject subject;
  subject.kind = wire::RecordKindOf(call.nr);
  subject.path_index = shape.path;

  const int descriptor = shape.path < 0 ? shape.fd : shape.dirfd;
  subject.dirfd = descriptor < 0 ? AT_FDCWD : (int)call.args[descriptor];

  // utimensat(fd, NULL, ...) and futimesat(fd, NULL, ...) act on the descriptor.
  const bool on_descriptor = subject.kind == RecordKind::kSetTimes && shape.dirfd >= 0;
  if (on_descriptor && call.args[(int)shape.path] == 0) subject.path_index = -1;

  if (shape.last == wire::LastLink::kNotFollowed) subject.at_flags = AT_SYMLINK_NOFOLLOW;
  if (shape.last == wire::LastLink::kByAtFlags)
    subject.at_flags = (int)call.args[(int)shape.flags] & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);

  return subject;
}

struct XattrArguments {  // struct xattr_args of linux/xattr.h 6.13
  uint64_t value;
  uint32_t size;
  uint32_t flags;
};

Subject DescribeXattr(const Call& call) {
  Subject subject = SubjectOf(call);
  const bool at = wire::ShapeOf(call.nr)->dirfd >= 0;
  subject.key_index = at ? 3 : 1;
  if (subject.kind == RecordKind::kSetXattr && at) {
    XattrArguments arguments = {};
    if (CopyIn(&arguments, (const XattrArguments*)call.args[4]) == 0) {
      subject.value = arguments.value;
      subject.value_size = arguments.size;
    }
  } else if (subject.kind == RecordKind::kSetXattr) {
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
  bool xattr = wire::IsXattrCall(call.nr);
  Subject subject = xattr ? DescribeXattr(call) : SubjectOf(call);

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

long HandleFileSetattr(Call& call) {
  const long result = CarryOut(call);
  if (result >= 0) RecordUnsupported(call, "changes inode flags (file_setattr)", -1, nullptr);
  return result;
}

}  // namespace oldornew::preload
