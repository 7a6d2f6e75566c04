// Shared writable mappings of files: stores through them are not system calls and are not recorded,
// so a judged file that is mapped so makes the recording unjudgeable (the decoder decides: it knows
// which files are judged).
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"
#include "interpose/funnel/stack.h"

namespace oldornew::preload {

namespace {

/// Shared mappings that are not writable now but may be made so by mprotect. A handful in real
/// programs; when the table is full a mapping is reported at once. Changed without a lock: a race
/// can only lose an entry of a mapping made and protected by two threads at the same moment.
struct Range {
  uint64_t start;
  uint64_t end;
  wire::FileState file;
};
constexpr int kMaxRanges = 64;
struct Ranges {
  Range range[kMaxRanges];
  int count;
};

int RangeCount() {
  int count = Mine<Ranges>().count;
  return count < kMaxRanges ? count : kMaxRanges;
}

void ReportMapping(const Call& call, const wire::FileState& file) {
  RecordWriter record(wire::RecordKind::kMapShared, call, TakeTicket(), kNamesRoom);
  record.AddState(wire::SectionType::kObjectBefore, file);
  record.Begun();
  record.Done(0);
}

long MapCode(Call& call) {
  long result = CarryOut(call);
  bool of_file = (call.args[3] & MAP_ANONYMOUS) == 0;
  if (of_file && (result >= 0 || result < -4095))
    NoteCode((uint64_t)result, (uint64_t)result + (uint64_t)call.args[1]);
  return result;
}

bool Overlaps(const Range& range, uint64_t start, uint64_t end) {
  return range.start < end && start < range.end;
}

/// The mapping holds what is open as `fd`, until it is unmapped, which nobody follows.
void NoteHeldOpen(const Call& call) {
  const int fd = (int)call.args[4];
  long descriptor_flags = Gate(SYS_fcntl, fd, F_GETFL);
  if (descriptor_flags < 0 || (descriptor_flags & O_ACCMODE) == O_RDONLY) return;
  RecordWriter record(wire::RecordKind::kMapped, call, TakeTicket(), 0);
  record->descriptor = fd;
  record.Begun();
  record.Done(0);
}

long Map(Call& call) {
  long flags = call.args[3];
  if ((flags & MAP_FIXED) != 0) NoteRemapped((uint64_t)call.args[0], (uint64_t)call.args[1]);
  int fd = (int)call.args[4];
  bool shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
  if (!shared && (call.args[2] & PROT_EXEC) != 0) return MapCode(call);
  if (!shared || (flags & MAP_ANONYMOUS) != 0 || UnderProgramFilter()) return CarryOut(call);
  long descriptor_flags = Gate(SYS_fcntl, fd, F_GETFL);
  bool can_write = descriptor_flags >= 0 && (descriptor_flags & O_ACCMODE) == O_RDWR;
  wire::FileState state;
  if (!can_write || StatDescriptor(fd, &state) != 0 || !S_ISREG(state.mode)) return CarryOut(call);
  long result = CarryOut(call);
  bool mapped = result >= 0 || result < -4095;
  if (mapped && ((call.args[2] & PROT_WRITE) != 0 || Mine<Ranges>().count >= kMaxRanges)) {
    ReportMapping(call, state);
  } else if (mapped) {
    int at = __atomic_fetch_add(&Mine<Ranges>().count, 1, __ATOMIC_RELAXED);
    if (at < kMaxRanges)
      Mine<Ranges>().range[at] = {(uint64_t)result, (uint64_t)result + (uint64_t)call.args[1],
                                  state};
  }

  return result;
}

}  // namespace

long HandleMmap(Call& call) {
  const bool of_file = (call.args[3] & MAP_ANONYMOUS) == 0;
  const long result = Map(call);
  const bool mapped = result >= 0 || result < -4095;
  if (of_file && mapped && !UnderProgramFilter()) NoteHeldOpen(call);
  return result;
}

long HandleProtect(Call& call) {
  NoteRemapped((uint64_t)call.args[0], (uint64_t)call.args[1]);
  int count = RangeCount();
  if ((call.args[2] & PROT_WRITE) != 0) {
    uint64_t start = (uint64_t)call.args[0];
    for (int i = 0; i < count; i++) {
      if (Overlaps(Mine<Ranges>().range[i], start, start + (uint64_t)call.args[1])) {
        ReportMapping(call, Mine<Ranges>().range[i].file);
      }
    }
  }

  return CarryOut(call);
}

long HandleMremap(Call& call) {
  NoteRemapped((uint64_t)call.args[0], (uint64_t)call.args[1]);
  if ((call.args[3] & MREMAP_FIXED) != 0)
    NoteRemapped((uint64_t)call.args[4], (uint64_t)call.args[2]);
  long result = CarryOut(call);
  int count = RangeCount();
  bool moved = result >= 0 || result < -4095;
  for (int i = 0; moved && i < count; i++) {
    if (!Overlaps(Mine<Ranges>().range[i], (uint64_t)call.args[0],
                  (uint64_t)call.args[0] + (uint64_t)call.args[1]))
      continue;
    Mine<Ranges>().range[i].start = (uint64_t)result;
    Mine<Ranges>().range[i].end = (uint64_t)result + (uint64_t)call.args[2];
  }

  return result;
}

long HandleMunmap(Call& call) {
  uint64_t start = (uint64_t)call.args[0];
  uint64_t end = start + (uint64_t)call.args[1];
  NoteRemapped(start, end - start);
  int count = RangeCount();
  for (int i = 0; i < count; i++) {
    if (start <= Mine<Ranges>().range[i].start && Mine<Ranges>().range[i].end <= end)
      Mine<Ranges>().range[i].start = Mine<Ranges>().range[i].end = 0;
  }

  return CarryOut(call);
}

long HandleAdvice(Call& call) {
  // MADV_GUARD_INSTALL of Linux 6.13: reading faults from then on
  constexpr long kGuardInstall = 102;
  if (call.nr == SYS_madvise && call.args[2] == kGuardInstall)
    NoteRemapped((uint64_t)call.args[0], (uint64_t)call.args[1]);
  if (call.nr == SYS_process_madvise && call.args[3] == kGuardInstall)
    NoteRemapped(0, ~uint64_t{0});
  return CarryOut(call);
}

long HandleLockAll(Call& call) {
  // The recording is a large sparse mapping; without this every page of it would be allocated and
  // locked.
  constexpr long kOnFault = 4;  // MCL_ONFAULT
  call.args[0] |= kOnFault;
  return CarryOut(call);
}

}  // namespace oldornew::preload
