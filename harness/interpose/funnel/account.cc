#include "interpose/funnel/account.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "interpose/funnel/memory.h"
#include "interpose/funnel/recorder.h"

namespace oldornew::preload {

namespace {

// written to and read by nobody: before there is an account, and when there is no room
wire::Account g_nobodys;

struct Books {
  wire::Account* account;  // null: none yet
  uint32_t number;
};

wire::Account* OurAccount() {
  wire::Account* account = Mine<Books>().account;
  return account != nullptr ? account : &g_nobodys;
}

bool MayChange(long flags) {
  return (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

/// How much a transfer may have moved the kernel's count: overlayfs hands copy_file_range on to the
/// layer below, which may be another one, and each of them counts.
uint64_t AddedUp(long nr, long result) {
  return nr == SYS_copy_file_range ? 4 * (uint64_t)result : (uint64_t)result;
}

/// Calls begun minus calls come back, among those that move the kernel's count.
uint32_t Unfinished() {
  uint32_t unfinished = 0;
  for (int i = 0; i < wire::kAccountedCount; i++) {
    const int nr = wire::AccountedCall(i);
    if (!wire::KernelAddsUp(nr) && nr != SYS_wait4 && nr != SYS_waitid) continue;
    const wire::CallAccount& entry = OurAccount()->calls[i];
    // In this order: what comes in between makes it more.
    uint32_t returned = __atomic_load_n(&entry.returned, __ATOMIC_SEQ_CST);
    unfinished += __atomic_load_n(&entry.entered, __ATOMIC_SEQ_CST) - returned;
  }

  return unfinished;
}

uint32_t Begun() {
  uint32_t begun = 0;
  for (int i = 0; i < wire::kAccountedCount; i++)
    begun += __atomic_load_n(&OurAccount()->calls[i].entered, __ATOMIC_SEQ_CST);
  return begun;
}

/// The number after `name` in the text of /proc/self/io.
bool FindNumber(const char* text, long size, const char* name, uint64_t* number) {
  const long length = (long)strlen(name);
  for (long at = 0; at + length < size; at++) {
    if ((at != 0 && text[at - 1] != '\n') || memcmp(text + at, name, (size_t)length) != 0) continue;
    *number = 0;
    for (at += length; at < size && text[at] >= '0' && text[at] <= '9'; at++)
      *number = *number * 10 + (uint64_t)(text[at] - '0');
    return true;
  }

  return false;
}

}  // namespace

uint32_t AccountNumber() { return Mine<Books>().number; }

void LeaveAccount() { Mine<Books>() = {}; }

void OpenAccount() {
  const Call none = {SYS_getpid, {}, 0, 0, 0, wire::Route::kNone};

  RecordWriter record(wire::RecordKind::kAccount, none, TakeTicket(),
                      wire::SectionSize(sizeof(wire::Account)));
  char* at = record.Open(wire::SectionType::kCounters, sizeof(wire::Account));
  record.ShrinkTo(at, sizeof(wire::Account));
  if (at != nullptr) {
    const uint32_t number = __atomic_add_fetch(&g_header->accounts, 1, __ATOMIC_RELAXED);
    Mine<Books>() = {(wire::Account*)at, number};
    record->account = number;
  }

  record.Begun();
  record.Done(0);
}

int AccountedAt(const Call& call) {
  switch (call.nr) {
#ifdef SYS_open
    case SYS_open:
      if (!MayChange(call.args[1])) return -1;
      break;
#endif
    case SYS_openat:
      if (!MayChange(call.args[2])) return -1;
      break;
    case SYS_fcntl:
      if (call.args[1] != F_DUPFD && call.args[1] != F_DUPFD_CLOEXEC && call.args[1] != F_SETFD)
        return -1;
      break;
    case SYS_ioctl:
      if ((unsigned)call.args[1] != FICLONE && (unsigned)call.args[1] != FICLONERANGE) return -1;
      break;
    default:
      break;
  }

  return wire::AccountedAt(call.nr);
}

void NoteEntered(int index) {
  __atomic_fetch_add(&OurAccount()->calls[index].entered, 1, __ATOMIC_SEQ_CST);
}

void NoteReturned(int index, const Call& call, long result) {
  if (result > 0 && wire::KernelAddsUp(call.nr))
    __atomic_fetch_add(&OurAccount()->written, AddedUp(call.nr, result), __ATOMIC_SEQ_CST);
  __atomic_fetch_add(&OurAccount()->calls[index].returned, 1, __ATOMIC_SEQ_CST);
}

void NoteWrittenByUs(uint64_t bytes) {
  __atomic_fetch_add(&OurAccount()->written, bytes, __ATOMIC_SEQ_CST);
}

void PassedBy(const Call& call) {
  const int index = wire::AccountedAt(call.nr);
  if (index >= 0) __atomic_fetch_add(&OurAccount()->calls[index].passed, 1, __ATOMIC_RELAXED);
}

long PassBy(const Call& call, Pass why) {
  const long result = CarryOut(call);
  if (why == Pass::kNoMatter || result < 0) PassedBy(call);
  return result;
}

void NoteThreadCloned(int delta) {
  __atomic_fetch_add(&OurAccount()->threads_cloned, (uint32_t)delta, __ATOMIC_SEQ_CST);
}

void NoteThreadStarted() {
  __atomic_fetch_add(&OurAccount()->threads_started, 1, __ATOMIC_SEQ_CST);
}

void SettleThreads() {
  if (g_header == nullptr || UnderProgramFilter()) return;
  const timespec millisecond = {0, 1000000};
  for (int round = 0; round < 2100; round++) {
    const uint32_t started = __atomic_load_n(&OurAccount()->threads_started, __ATOMIC_SEQ_CST);
    if ((int32_t)(__atomic_load_n(&OurAccount()->threads_cloned, __ATOMIC_SEQ_CST) - started) <= 0)
      return;
    if (round < 100) {
      Gate(SYS_sched_yield);
    } else {
      Gate(SYS_nanosleep, &millisecond, 0);
    }
  }
}

bool CountedByKernel(uint64_t* count, uint64_t* written) {
  if ((g_header->flags & wire::kKernelCounts) == 0 || UnderProgramFilter()) return false;
  const uint32_t begun = Begun();
  if (Unfinished() != 0) return false;
  char text[256];
  const long fd = Gate(SYS_openat, AT_FDCWD, "/proc/self/io", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const long size = Gate(SYS_read, fd, text, sizeof text);
  Gate(SYS_close, fd);
  *written = __atomic_load_n(&OurAccount()->written, __ATOMIC_SEQ_CST);
  return Begun() == begun && FindNumber(text, size, "wchar: ", count);
}

}  // namespace oldornew::preload
