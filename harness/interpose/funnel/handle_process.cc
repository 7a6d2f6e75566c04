// The hooks of seam.h: processes and threads announce themselves, execs are announced before they
// are tried. From these the decoder proves that nothing ran unseen (interposition.md 13.3).
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>

#include "interpose/funnel/account.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/funnel/stack.h"

namespace oldornew::preload {

using wire::RecordKind;
using wire::SectionType;

namespace {

constexpr uint64_t kMaxArguments = 64 * 1024;
constexpr uint64_t kMaxMaps = 512 * 1024;

Call NoCall(long nr) { return Call{nr, {}, 0, 0, 0, wire::Route::kNone}; }

/// Appends the bytes of a /proc file as a section.
const char* AddFile(RecordWriter& record, SectionType type, const char* path, uint64_t room,
                    uint64_t* size) {
  char* to = record.Open(type, room);
  if (to == nullptr) return nullptr;
  uint64_t length = 0;
  long fd = Gate(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && length < room) {
    long got = Gate(SYS_read, fd, to + length, room - length);
    if (got <= 0) break;
    length += (uint64_t)got;
  }

  if (fd >= 0) Gate(SYS_close, fd);
  record.ShrinkTo(to, length);
  *size = length;
  return to;
}

/// The list of modules, for the decoder and for ourselves.
void AddMaps(RecordWriter& record) {
  uint64_t length = 0;
  const char* maps = AddFile(record, SectionType::kMaps, "/proc/self/maps", kMaxMaps, &length);
  if (maps != nullptr) LearnCode(maps, length);
}

void AnnounceImage() {
  uint64_t room = 3 * sizeof(wire::Section) + kPathMax + kMaxArguments + kMaxMaps;

  RecordWriter record(RecordKind::kProcessStart, NoCall(SYS_execve), TakeTicket(), room);
  record->other_pid = (int)Gate(SYS_getppid);
  uint64_t written = 0;
  if (CountedByKernel(&record->offset, &written)) record->flags |= wire::kKernelCounted;
  char* program = record.Open(SectionType::kProgram, kPathMax);
  long length = program != nullptr ? Gate(SYS_readlink, "/proc/self/exe", program, kPathMax) : 0;
  record.ShrinkTo(program, length > 0 ? (uint64_t)length : 0);
  uint64_t ignored = 0;
  AddFile(record, SectionType::kArguments, "/proc/self/cmdline", kMaxArguments, &ignored);
  AddMaps(record);

  record.Begun();
  record.Done(0);
}

}  // namespace

void RecordModules() {
  RecordWriter record(RecordKind::kModules, NoCall(SYS_mmap), TakeTicket(),
                      sizeof(wire::Section) + kMaxMaps);
  AddMaps(record);
  record.Begun();
  record.Done(0);
}

void FunnelProcessStarted(StartedBy how) {
  if (g_header == nullptr) return;
  __atomic_fetch_add(&g_header->processes_started, 1, __ATOMIC_RELAXED);

  // A child that shares our parent's memory (posix_spawn) leaves its tables alone; it has one
  // thread, number 0.
  if (how != StartedBy::kClone) {
    NumberThread(ThreadId(), true);
    LeaveAccount();
  }

  if (how == StartedBy::kExec) {
    LearnFileSizeLimit();
    AnnounceImage();
  } else {
    RecordWriter record(RecordKind::kForked, NoCall(SYS_clone), TakeTicket(), 0);
    record->other_pid = (int)Gate(SYS_getppid);
    record.Begun();
    record.Done(0);
  }

  if (how != StartedBy::kClone) OpenAccount();
  __atomic_fetch_add(&g_header->processes_armed, 1, __ATOMIC_RELAXED);
}

void FunnelThreadStarted() {
  if (g_header == nullptr) return;
  NumberThread(ThreadId(), false);
  RecordWriter record(RecordKind::kThreadStart, NoCall(SYS_clone), TakeTicket(), 0);
  record.Begun();
  record.Done(0);
  NoteThreadStarted();
}

void FunnelCloneBegins(uint64_t flags) {
  if (g_header != nullptr && (flags & CLONE_THREAD) != 0) NoteThreadCloned(+1);
}

void FunnelCloneReturned(long child_or_error, uint64_t flags) {
  if (g_header == nullptr) return;
  if (child_or_error < 0 && (flags & CLONE_THREAD) != 0) NoteThreadCloned(-1);
  Call call = NoCall(SYS_clone);
  call.args[0] = (long)flags;

  RecordWriter record(RecordKind::kClone, call, TakeTicket(), 0);
  if ((flags & CLONE_THREAD) != 0) record->flags |= wire::kIsThread;
  if ((flags & CLONE_FILES) != 0) record->flags |= wire::kSharesFiles;
  record->other_pid = (int)child_or_error;

  record.Begun();
  record.Done(child_or_error);
}

void FunnelExecAttempt(int dirfd, const char* path, const char* const* argv, int flags) {
  if (g_header == nullptr) return;
  SettleThreads();
  Call call = NoCall(SYS_execve);
  call.args[0] = dirfd;
  call.args[4] = flags;

  RecordWriter record(RecordKind::kExec, call, TakeTicket(),
                      2 * sizeof(wire::Section) + kPathMax + kMaxArguments);
  char* to = record.Open(SectionType::kPath, kPathMax);
  long length = to != nullptr ? CopyInString(to, path, kPathMax) : 0;
  record.ShrinkTo(to, length > 0 ? (uint64_t)length : 0, kPathMax);
  to = record.Open(SectionType::kArguments, kMaxArguments);
  uint64_t used = 0;
  uint64_t dirty = 0;
  for (int i = 0; to != nullptr && argv != nullptr && used + 2 < kMaxArguments; i++) {
    const char* argument = nullptr;
    if (CopyIn(&argument, argv + i) != 0 || argument == nullptr) break;
    dirty = kMaxArguments;  // unless the string is whole, we do not know how far it was copied
    long got = CopyInString(to + used, argument, kMaxArguments - used);
    if (got < 0) break;
    dirty = 0;
    used += (uint64_t)got + 1;
  }

  record.ShrinkTo(to, used, dirty);

  record.Begun();
  record.Done(0);
}

void FunnelUnsupportedImage(const char* path, const char* reason) {
  if (g_header == nullptr) return;
  RecordUnsupported(NoCall(SYS_execve), reason, -1, path);
}

void FunnelUnsupported(const Call& call, const char* reason) {
  if (g_header == nullptr) return;
  RecordUnsupported(call, reason, -1, nullptr);
}

void FunnelExecFailed(int error) {
  if (g_header == nullptr) return;
  RecordWriter record(RecordKind::kExecFailed, NoCall(SYS_execve), TakeTicket(), 0);
  record.Begun();
  record.Done(-error);
}

}  // namespace oldornew::preload
