// Calls that make, move and remove names.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"

namespace oldornew::preload {

using wire::RecordKind;
using wire::SectionType;

namespace {

constexpr uint64_t kNameRoom = wire::SectionSize(256);

/// Which arguments of a call are the directory descriptor and the path.
struct PathArgument {
  int dirfd;
  int path_index;
};

void AddPlace(RecordWriter& record, const Place& place, SectionType type) {
  (type == SectionType::kName ? record->dir : record->dir2) = place.dir;
  record.Add(type, place.name, place.name_length);
}

PathArgument MadePath(const Call& call) {
  switch (call.nr) {
    case SYS_mkdirat:
    case SYS_mknodat:
      return {(int)call.args[0], 1};
    case SYS_symlink:
      return {AT_FDCWD, 1};
    case SYS_symlinkat:
      return {(int)call.args[1], 2};
    default:
      return {AT_FDCWD, 0};  // mkdir, mknod
  }
}

PathArgument UnlinkedPath(const Call& call) {
  if (call.nr == SYS_unlinkat) return {(int)call.args[0], 1};
  return {AT_FDCWD, 0};
}

/// The call with the path replaced by our copy of it.
long RunWithPath(Call call, int path_index, const char* path) {
  call.args[path_index] = (long)path;
  return CarryOut(call);
}

struct TwoPaths {
  int dirfd;
  int dirfd2;
  int path_index;
  int path2_index;
  uint32_t flags;
  long length;  ///< of g_path and g_path2, once CopyTwo has filled them
  long length2;
};

TwoPaths DescribeTwo(const Call& call) {
  switch (call.nr) {
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
      return {(int)call.args[0],
              (int)call.args[2],
              1,
              3,
              call.nr == SYS_renameat ? 0 : (uint32_t)call.args[4],
              0,
              0};
    default:
      return {AT_FDCWD, AT_FDCWD, 0, 1, 0, 0, 0};  // rename, link
  }
}

/// Copies both paths to g_path and g_path2; false: the kernel cannot read them either.
bool CopyTwo(const Call& call, TwoPaths* two) {
  two->length = CopyInString(g_path, (const char*)call.args[two->path_index], kPathMax);
  two->length2 = CopyInString(g_path2, (const char*)call.args[two->path2_index], kPathMax);
  return two->length >= 0 && two->length2 >= 0;
}

uint64_t PathsRoom(const TwoPaths& two) {
  return wire::SectionSize((uint64_t)two.length) + wire::SectionSize((uint64_t)two.length2);
}

void AddPaths(RecordWriter& record, const TwoPaths& two) {
  record.Add(SectionType::kPath, g_path, (uint64_t)two.length);
  record.Add(SectionType::kPath2, g_path2, (uint64_t)two.length2);
}

/// What stands at a path now, as a section; nothing there: none.
void AddStateAt(RecordWriter& record, SectionType type, int dirfd, const char* path) {
  wire::FileState state;
  if (StatAt(dirfd, path, AT_SYMLINK_NOFOLLOW, &state) == 0) record.AddState(type, state);
}

/// The call again, where the two directories are not apart.
long MeetInOneMount(const Call& call, const TwoPaths& two) {
  const Place place = FindPlace(two.dirfd, g_path);
  const Place place2 = FindPlace(two.dirfd2, g_path2);
  if (!place.valid() || !place2.valid()) return -EXDEV;  // such as a file by its descriptor
  const long from = OpenAtMeetingPlace(two.dirfd, g_path, place.dir);
  if (from < 0) return from;
  const long to = OpenAtMeetingPlace(two.dirfd2, g_path2, place2.dir);
  long result = to;
  if (to >= 0) {
    const bool link = call.nr == SYS_link || call.nr == SYS_linkat;
    result = Gate(link ? SYS_linkat : SYS_renameat2, from, place.name, to, place2.name, two.flags);
    Gate(SYS_close, to);
  }

  Gate(SYS_close, from);

  return result;
}

long RunWithTwo(Call call, const TwoPaths& two) {
  call.args[two.path_index] = (long)g_path;
  call.args[two.path2_index] = (long)g_path2;
  const long result = CarryOut(call);
  return result == -EXDEV && !IsReplaced(call) ? MeetInOneMount(call, two) : result;
}

}  // namespace

long OnReadOnly(const Call& call, int dirfd, char* path, bool whole, bool missing) {
  if ((g_header->flags & wire::kRefuseReadOnly) == 0 || IsReplaced(call)) return -EROFS;

  // A mount that is read-only hides the errors that come later in the kernel.
  if (missing) return -ENOENT;
  constexpr long kFaccessat2 = 439;
  constexpr long kEffective = 0x200;  // AT_EACCESS
  size_t start = strlen(path);
  char first = 0;
  if (!whole) {
    while (start > 0 && path[start - 1] == '/') start--;
    while (start > 0 && path[start - 1] != '/') start--;
    first = path[start];
    path[start] = 0;
  }

  long access = Gate(kFaccessat2, dirfd, path[0] == 0 ? "." : path, whole ? 2 : 3, kEffective);
  if (!whole) path[start] = first;
  if (access == -EACCES) return -EACCES;
  Refuse(call, dirfd, path);
}

long HandleMake(Call& call) {
  PathArgument argument = MadePath(call);

  const BeginTicket begin;
  FileLock lock;
  long length = CopyInString(g_path, (const char*)call.args[argument.path_index], kPathMax);
  if (length < 0) return PassBy(call, Pass::kFails);
  bool symlink = call.nr == SYS_symlink || call.nr == SYS_symlinkat;
  long target = symlink ? CopyInString(g_path2, (const char*)call.args[0], kPathMax) : 0;
  if (target < 0) return PassBy(call, Pass::kFails);
  Place place = FindPlace(argument.dirfd, g_path);
  if (!place.valid()) return PassBy(call, Pass::kFails);
  if (!InsideRoots(argument.dirfd, g_path, false)) Refuse(call, argument.dirfd, g_path);

  RecordWriter record(lock, RecordKind::kMakeNode, call, begin.Use(),
                      wire::SectionSize((uint64_t)length) + wire::SectionSize((uint64_t)target) +
                          kNameRoom + kNamesRoom);
  record.Add(SectionType::kPath, g_path, (uint64_t)length);
  AddPlace(record, place, SectionType::kName);
  if (symlink) {
    record.Add(SectionType::kTarget, g_path2, (uint64_t)target);
    call.args[0] = (long)g_path2;
  }

  record.Begun();
  long result = RunWithPath(call, argument.path_index, g_path);
  if (result == -EROFS) result = OnReadOnly(call, argument.dirfd, g_path, false, false);
  if (result == 0) AddStateAt(record, SectionType::kObjectAfter, argument.dirfd, g_path);
  return record.Done(result);
}

long HandleBind(Call& call) {
  sockaddr_un address = {};
  uint64_t size = (uint32_t)call.args[2];
  if (size <= offsetof(sockaddr_un, sun_path) || size > sizeof address)
    return PassBy(call, Pass::kNoMatter);
  if (CopyIn(&address, (const void*)call.args[1], size) != 0) return PassBy(call, Pass::kFails);
  if (address.sun_family != AF_UNIX || address.sun_path[0] == 0)
    return PassBy(call, Pass::kNoMatter);

  const BeginTicket begin;
  FileLock lock;
  memset(g_path, 0, sizeof address.sun_path + 1);
  memcpy(g_path, address.sun_path, sizeof address.sun_path);
  Place place = FindPlace(AT_FDCWD, g_path);
  if (!place.valid()) return PassBy(call, Pass::kFails);
  if (!InsideRoots(AT_FDCWD, g_path, false)) Refuse(call, AT_FDCWD, g_path);

  RecordWriter record(lock, RecordKind::kMakeNode, call, begin.Use(),
                      wire::SectionSize(128) + kNameRoom + kNamesRoom);
  record.AddText(SectionType::kPath, g_path);
  AddPlace(record, place, SectionType::kName);

  record.Begun();
  long result = CarryOut(call);
  if (result == -EROFS) result = OnReadOnly(call, AT_FDCWD, g_path, false, false);
  if (result == 0) AddStateAt(record, SectionType::kObjectAfter, AT_FDCWD, g_path);
  return record.Done(result);
}

long HandleUnlink(Call& call) {
  PathArgument argument = UnlinkedPath(call);

  const BeginTicket begin;
  FileLock lock;
  long length = CopyInString(g_path, (const char*)call.args[argument.path_index], kPathMax);
  if (length < 0) return PassBy(call, Pass::kFails);
  Place place = FindPlace(argument.dirfd, g_path);
  if (!place.valid()) return PassBy(call, Pass::kFails);
  wire::FileState before;
  bool missing = StatAt(argument.dirfd, g_path, AT_SYMLINK_NOFOLLOW, &before) == -ENOENT;
  if (!missing && !InsideRoots(argument.dirfd, g_path, false)) Refuse(call, argument.dirfd, g_path);

  RecordWriter record(lock, RecordKind::kUnlink, call, begin.Use(),
                      wire::SectionSize((uint64_t)length) + kNameRoom + kNamesRoom);
  record.Add(SectionType::kPath, g_path, (uint64_t)length);
  AddPlace(record, place, SectionType::kName);
  record.AddState(SectionType::kObjectBefore, before);

  record.Begun();
  long result = RunWithPath(call, argument.path_index, g_path);
  if (result == -EROFS) result = OnReadOnly(call, argument.dirfd, g_path, false, missing);
  if (result == 0 && S_ISDIR(before.mode)) ForgetDirectories();
  return record.Done(result);
}

long HandleLink(Call& call) {
  TwoPaths two = DescribeTwo(call);

  const BeginTicket begin;
  FileLock lock;
  if (!CopyTwo(call, &two)) return PassBy(call, Pass::kFails);
  Place place2 = FindPlace(two.dirfd2, g_path2);
  if (!place2.valid()) return PassBy(call, Pass::kFails);
  wire::FileState before;
  int follow = (two.flags & AT_SYMLINK_FOLLOW) != 0 ? 0 : AT_SYMLINK_NOFOLLOW;
  bool missing =
      StatAt(two.dirfd, g_path, follow | (int)(two.flags & AT_EMPTY_PATH), &before) == -ENOENT;
  if (!InsideRoots(two.dirfd2, g_path2, false)) Refuse(call, two.dirfd2, g_path2);

  RecordWriter record(lock, RecordKind::kLink, call, begin.Use(),
                      PathsRoom(two) + kNameRoom + kNamesRoom);
  AddPaths(record, two);
  AddPlace(record, place2, SectionType::kName2);
  record.AddState(SectionType::kObjectBefore, before);
  if ((two.flags & AT_EMPTY_PATH) != 0) record->descriptor = two.dirfd;

  record.Begun();
  long result = RunWithTwo(call, two);
  if (result == -EROFS) result = OnReadOnly(call, two.dirfd2, g_path2, false, missing);
  if (result == 0) AddStateAt(record, SectionType::kObjectAfter, two.dirfd2, g_path2);
  return record.Done(result);
}

long HandleRename(Call& call) {
  TwoPaths two = DescribeTwo(call);

  const BeginTicket begin;
  FileLock lock;
  if (!CopyTwo(call, &two)) return PassBy(call, Pass::kFails);
  Place place = FindPlace(two.dirfd, g_path);
  Place place2 = FindPlaceBeside(place, two.dirfd, g_path, two.dirfd2, g_path2);
  if (!place.valid() || !place2.valid()) return PassBy(call, Pass::kFails);
  wire::FileState before;
  wire::FileState other;
  bool missing = StatAt(two.dirfd, g_path, AT_SYMLINK_NOFOLLOW, &before) == -ENOENT;
  StatAt(two.dirfd2, g_path2, AT_SYMLINK_NOFOLLOW, &other);
  if (!missing && !InsideRoots(two.dirfd, g_path, false)) Refuse(call, two.dirfd, g_path);
  if (!missing && !InsideRoots(two.dirfd2, g_path2, false)) Refuse(call, two.dirfd2, g_path2);

  RecordWriter record(lock, RecordKind::kRename, call, begin.Use(),
                      PathsRoom(two) + 2 * kNameRoom + kNamesRoom);
  record->mode_arg = two.flags;
  AddPaths(record, two);
  AddPlace(record, place, SectionType::kName);
  AddPlace(record, place2, SectionType::kName2);
  record.AddState(SectionType::kObjectBefore, before);
  record.AddState(SectionType::kOtherBefore, other);

  record.Begun();
  long result = RunWithTwo(call, two);
  if (result == -EROFS) result = OnReadOnly(call, two.dirfd, g_path, false, missing);
  if (result == 0) {
    if ((two.flags & RENAME_WHITEOUT) != 0)
      AddStateAt(record, SectionType::kOtherAfter, two.dirfd, g_path);
    if (S_ISDIR(before.mode)) ForgetDirectories();
  }

  return record.Done(result);
}

}  // namespace oldornew::preload
