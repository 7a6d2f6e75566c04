// open and its relatives, as far as they can create, truncate or write. Opens for reading only
// never get here.
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/descriptors.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/funnel/stack.h"

namespace oldornew::preload {

using wire::SectionType;

namespace {

struct OpenRequest {
  int dirfd = AT_FDCWD;
  const char* path = nullptr;  // in the program's memory
  uint64_t flags = 0;
  uint64_t resolve = 0;  // openat2 only
  bool valid = true;

  bool temporary() const { return (flags & O_TMPFILE) == O_TMPFILE; }
  bool creates() const { return (flags & O_CREAT) != 0; }
  bool exclusive() const { return creates() && (flags & O_EXCL) != 0; }
  bool writes() const { return (flags & O_ACCMODE) != O_RDONLY; }
  bool may_change() const {
    return (flags & O_PATH) == 0 &&
           (writes() || creates() || temporary() || (flags & O_TRUNC) != 0);
  }
};

OpenRequest DescribeOpen(const Call& call) {
  OpenRequest request;
  switch (call.nr) {
    case SYS_open:
      request.path = (const char*)call.args[0];
      request.flags = (uint32_t)call.args[1];
      break;
    case SYS_creat:
      request.path = (const char*)call.args[0];
      request.flags = O_CREAT | O_WRONLY | O_TRUNC;
      break;
    case SYS_openat:
      request.dirfd = (int)call.args[0];
      request.path = (const char*)call.args[1];
      request.flags = (uint32_t)call.args[2];
      break;
    default: {
      open_how how = {};
      request.dirfd = (int)call.args[0];
      request.path = (const char*)call.args[1];
      request.valid =
          (uint64_t)call.args[3] >= sizeof how && CopyIn(&how, (const open_how*)call.args[2]) == 0;
      request.flags = how.flags;
      request.resolve = how.resolve;
    }
  }

  return request;
}

/// What the path names before the call. -errno if nothing. *dangling: the last component is a
/// symlink to nothing.
long LookBefore(const OpenRequest& request, wire::FileState* state, bool* dangling) {
  *dangling = false;
  if (request.resolve != 0) {  // Special rules of resolution: only the kernel knows them.
    open_how how = {};
    how.flags = O_PATH | O_CLOEXEC | (request.flags & O_NOFOLLOW);
    how.resolve = request.resolve;
    long fd = Gate(SYS_openat2, request.dirfd, g_path, &how, sizeof how);
    if (fd < 0) return fd;
    long result = StatDescriptor((int)fd, state);
    Gate(SYS_close, fd);
    return result;
  }

  long result = StatAt(request.dirfd, g_path, AT_SYMLINK_NOFOLLOW, state);
  if (result != 0 || !S_ISLNK(state->mode) || (request.flags & O_NOFOLLOW) != 0) return result;
  result = StatAt(request.dirfd, g_path, 0, state);
  *dangling = result == -ENOENT;

  return result;
}

/// `extra` flags only where the call takes its flags in a register.
long RunOpen(const Call& call, const OpenRequest& request, long extra = 0) {
  switch (call.nr) {
    case SYS_open:
      return CarryOutWith(call, g_path, call.args[1] | extra, call.args[2]);
    case SYS_creat:
      return CarryOutWith(call, g_path, call.args[1]);
    default:
      return CarryOutWith(call, request.dirfd, g_path, call.args[2] | extra, call.args[3]);
  }
}

/// The last open with O_CREAT in this process created. Then the next is tried with O_EXCL at once:
/// if that creates, nothing was there before, and the kernel has said so more surely and cheaply
/// than a look beforehand could. If it does not, whatever the reason, all goes on as if it had not
/// been tried.
struct LastCreate {
  bool created;
};

bool MayTryExclusive(const Call& call, const OpenRequest& request) {
  bool plain = call.nr == SYS_open || call.nr == SYS_openat;
  return plain && !IsReplaced(call) && request.creates() && !request.exclusive() &&
         !request.temporary() && (request.flags & O_DIRECTORY) == 0 && !UnderProgramFilter() &&
         __atomic_load_n(&Mine<LastCreate>().created, __ATOMIC_RELAXED) &&
         (g_header->flags & wire::kCheckRoots) == 0;
}

/// After a create: the directory and name the new file really got.
Place PlaceOfCreated(int fd, const OpenRequest& request, bool dangling, const Place& expected) {
  if (!dangling && request.resolve == 0) return expected;
  return FindPlaceOfDescriptor(fd, g_path2);
}

void AddPlace(RecordWriter& record, const Place& place) {
  record->dir = place.dir;
  record.Add(SectionType::kName, place.name, place.name_length);
}

void NoteOpened(RecordWriter& record, int fd, const OpenRequest& request, wire::FileState* after) {
  StatDescriptor(fd, after);
  record->descriptor = fd;
  RememberDescriptor(fd, *after, (uint32_t)request.flags);
}

/// True: the call created the file, and is recorded. False: as if nothing had been tried.
bool TryExclusive(const FileLock& lock, const Call& call, const OpenRequest& request,
                  const BeginTicket& begin, long path_length, long* result_out) {
  Place place = FindPlace(request.dirfd, g_path);
  if (!place.valid()) return false;

  RecordWriter record(lock, wire::RecordKind::kOpen, call, begin.Use(),
                      wire::SectionSize((uint64_t)path_length) + 264 + kNamesRoom);
  record->open_flags = (uint32_t)request.flags;
  record.Add(SectionType::kPath, g_path, (uint64_t)path_length);
  AddPlace(record, place);

  record.Begun();
  long result = RunOpen(call, request, O_EXCL);
  if (result < 0) {
    record.Abandon();
    begin.TakeBack();
    return false;
  }

  wire::FileState after;
  NoteOpened(record, (int)result, request, &after);
  record->flags |= wire::kCreated;
  record.AddState(SectionType::kObjectAfter, after);
  *result_out = record.Done(result);

  return true;
}

/// False: the call cannot change a file, or may block: to be carried out without the lock. *why
/// says which.
bool RecordOpen(const FileLock& lock, const Call& call, const OpenRequest& request,
                const BeginTicket& begin, long path_length, long* result_out, Pass* why) {
  if (MayTryExclusive(call, request) &&
      TryExclusive(lock, call, request, begin, path_length, result_out))
    return true;
  wire::FileState before = {};
  bool dangling = false;
  long looked = request.exclusive() || request.temporary()
                    ? -ENOENT
                    : LookBefore(request, &before, &dangling);
  *why = looked == 0 ? Pass::kNoMatter : Pass::kFails;

  // Directories fail, devices and pipes may block.
  if (looked == 0 && !S_ISREG(before.mode)) return false;
  bool may_create = looked == -ENOENT && request.creates();

  // It will fail without any effect.
  if (looked != 0 && !may_create && !request.temporary()) return false;
  if (!InsideRoots(request.dirfd, g_path, looked == 0)) Refuse(call, request.dirfd, g_path);
  Place place;
  if (may_create && !dangling && request.resolve == 0) place = FindPlace(request.dirfd, g_path);

  RecordWriter record(lock, wire::RecordKind::kOpen, call, begin.Use(),
                      wire::SectionSize((uint64_t)path_length) + 2 * 264 + kNamesRoom);
  record->open_flags = (uint32_t)request.flags;
  record.Add(SectionType::kPath, g_path, (uint64_t)path_length);
  record.AddState(SectionType::kObjectBefore, before);
  if (place.valid()) AddPlace(record, place);
  if (request.temporary()) {
    wire::FileState dir;
    if (StatAt(request.dirfd, g_path, 0, &dir) == 0) record->dir = {dir.dev, dir.ino};
    record->flags |= wire::kUnnamed;
  }

  record.Begun();
  long result = RunOpen(call, request);
  if (result == -EROFS) result = OnReadOnly(call, request.dirfd, g_path, looked == 0, false);
  if (result >= 0) {
    wire::FileState after;
    NoteOpened(record, (int)result, request, &after);
    if (request.creates())
      __atomic_store_n(&Mine<LastCreate>().created, may_create, __ATOMIC_RELAXED);
    if (may_create) {
      record->flags |= wire::kCreated;
      if (!place.valid()) {
        place = PlaceOfCreated((int)result, request, dangling, place);
        if (place.valid()) {
          AddPlace(record, place);
        } else {
          record->flags |= wire::kUnresolved;
        }
      }
    } else if ((request.flags & O_TRUNC) != 0 && looked == 0 && before.size != 0) {
      record->flags |= wire::kTruncated;
    }
    record.AddState(SectionType::kObjectAfter, after);
  }

  *result_out = record.Done(result);

  return true;
}

}  // namespace

long HandleOpen(Call& call) {
  OpenRequest request = DescribeOpen(call);
  if (!request.valid || !request.may_change())
    return PassBy(call, request.valid ? Pass::kNoMatter : Pass::kFails);

  const BeginTicket begin;
  if (TakeNewCode()) RecordModules();
  Pass why = Pass::kFails;
  {
    FileLock lock;
    long length = CopyInString(g_path, request.path, kPathMax);
    if (length >= 0) {
      long result = 0;
      if (RecordOpen(lock, call, request, begin, length, &result, &why)) return result;
    }
  }

  return PassBy(call, why);
}

}  // namespace oldornew::preload
