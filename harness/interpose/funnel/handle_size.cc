// truncate, fallocate, and the calls that force data to disk.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/descriptors.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/record_kinds.h"

namespace oldornew::preload {

using wire::RecordKind;
using wire::SectionType;

namespace {

long TruncatePath(Call& call) {
  const BeginTicket begin;
  FileLock lock;
  long length = CopyInString(g_path, (const char*)call.args[0], kPathMax);
  wire::FileState before;
  if (length < 0 || StatAt(AT_FDCWD, g_path, 0, &before) != 0 || !S_ISREG(before.mode))
    return PassBy(call, Pass::kFails);
  if (!InsideRoots(AT_FDCWD, g_path, true)) Refuse(call, AT_FDCWD, g_path);

  RecordWriter record(lock, RecordKind::kTruncate, call, begin.Use(),
                      wire::SectionSize((uint64_t)length) + kNamesRoom);
  record->length = (uint64_t)call.args[1];
  record.AddText(SectionType::kPath, g_path);
  record.AddState(SectionType::kObjectBefore, before);

  record.Begun();
  long result = CarryOutWith(call, g_path, call.args[1]);
  if (result == -EROFS) result = OnReadOnly(call, AT_FDCWD, g_path, true, false);
  wire::FileState after;
  if (result == 0 && StatAt(AT_FDCWD, g_path, 0, &after) == 0)
    record.AddState(SectionType::kObjectAfter, after);

  return record.Done(result);
}

/// ftruncate and fallocate: a regular file by descriptor, looked at before and after.
long ChangeByDescriptor(Call& call, RecordKind kind) {
  int fd = (int)call.args[0];
  wire::FileState state;
  if (StatDescriptor(fd, &state) != 0) return PassBy(call, Pass::kFails);
  if (!S_ISREG(state.mode)) return PassBy(call, Pass::kNoMatter);

  const BeginTicket begin;
  FileLock lock;
  StatDescriptor(fd, &state);

  RecordWriter record(lock, kind, call, begin.Use(), kNamesRoom);
  record->descriptor = fd;
  if (kind == RecordKind::kAllocate) {
    record->mode_arg = (uint32_t)call.args[1];
    record->offset = (uint64_t)call.args[2];
    record->length = (uint64_t)call.args[3];
  } else {
    record->length = (uint64_t)call.args[1];
  }

  record.AddState(SectionType::kObjectBefore, state);

  record.Begun();
  long result = CarryOut(call);
  wire::FileState after;
  if (result == 0 && StatDescriptor(fd, &after) == 0)
    record.AddState(SectionType::kObjectAfter, after);

  return record.Done(result);
}

}  // namespace

long HandleTruncate(Call& call) {
  return call.nr == SYS_truncate ? TruncatePath(call)
                                 : ChangeByDescriptor(call, RecordKind::kTruncate);
}

long HandleAllocate(Call& call) { return ChangeByDescriptor(call, RecordKind::kAllocate); }

long HandleSync(Call& call) {
  RecordKind kind = wire::RecordKindOf(call.nr);
  int fd = kind == RecordKind::kSyncAll || kind == RecordKind::kMsync ? -1 : (int)call.args[0];
  if (kind == RecordKind::kMsync && (call.args[2] & MS_SYNC) == 0)
    return PassBy(call, Pass::kNoMatter);
  wire::FileState state = {};
  if (fd >= 0) {
    DescriptorFacts facts;
    if (LookUpDescriptor(fd, &facts) != 0) return PassBy(call, Pass::kFails);
    state = StateOf(facts);
    bool on_disk = S_ISREG(state.mode) || S_ISDIR(state.mode) || kind == RecordKind::kSyncFs;
    if (!on_disk) return PassBy(call, Pass::kNoMatter);
  }

  const BeginTicket begin;
  FileLock lock;

  RecordWriter record(lock, kind, call, begin.Use(), kNamesRoom);
  record->descriptor = fd;
  if (kind == RecordKind::kSyncRange) {
    record->offset = (uint64_t)call.args[1];
    record->length = (uint64_t)call.args[2];
    record->mode_arg = (uint32_t)call.args[3];
  }

  record.AddState(SectionType::kObjectBefore, state);

  record.Begun();
  return record.Done(CarryOut(call));
}

}  // namespace oldornew::preload
