// Bytes that get into a file without having been in the program's memory: sendfile, splice,
// copy_file_range, FICLONE. They are read back from the destination after the call, while the lock
// keeps everybody else from changing it.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"

namespace oldornew::preload {

namespace {

constexpr uint64_t kAtLeast =
    uint64_t{1}  // a pipe's capacity; also when a source does not know its size
    << 20;
constexpr uint64_t kAtMost = uint64_t{1} << 30;
constexpr long kNonblock = 2;  // SPLICE_F_NONBLOCK

struct Transfer {
  int from;
  int to;
  // pointer to the offset in the program's memory, or 0: the descriptor's position
  uint64_t to_offset;
  int length_index;  // which argument is the length
};

Transfer DescribeTransfer(const Call& call) {
  if (call.nr == SYS_sendfile) return {(int)call.args[1], (int)call.args[0], 0, 3};
  // splice, copy_file_range
  return {(int)call.args[0], (int)call.args[2], (uint64_t)call.args[3], 4};
}

/// Reads [offset, offset + length) of the file open as `fd`, which may be open for writing only.
uint64_t ReadBack(int fd, char* to, uint64_t offset, uint64_t length, long descriptor_flags) {
  long reader = fd;
  char link[32];
  if ((descriptor_flags & O_ACCMODE) == O_WRONLY) {
    reader = Gate(SYS_openat, AT_FDCWD, ProcFdPath(fd, link), O_RDONLY | O_CLOEXEC);
    if (reader < 0) return 0;
  }

  uint64_t done = 0;
  while (done < length) {
    long got = Gate(SYS_pread64, reader, to + done, length - done, offset + done);
    if (got <= 0) break;
    done += (uint64_t)got;
  }

  if (reader != fd) Gate(SYS_close, reader);
  return done;
}

void AddReadBack(RecordWriter& record, int fd, uint64_t offset, uint64_t length,
                 long descriptor_flags) {
  char* bytes = record.Open(wire::SectionType::kData, length);
  uint64_t have = bytes != nullptr ? ReadBack(fd, bytes, offset, length, descriptor_flags) : 0;
  record.ShrinkTo(bytes, have);
  if (have < length) record->flags |= wire::kPayloadMissing;
  wire::FileState after;
  if (StatDescriptor(fd, &after) == 0) record.AddState(wire::SectionType::kObjectAfter, after);
}

uint32_t TransferFlags(long descriptor_flags) {
  uint32_t flags = 0;
  if ((descriptor_flags & O_APPEND) != 0) flags |= wire::kAppended;
  if ((descriptor_flags & O_SYNC) == O_SYNC) flags |= wire::kSynced;
  if ((descriptor_flags & O_DSYNC) != 0) flags |= wire::kDataSynced;
  return flags;
}

/// True if a splice may wait for bytes in a pipe, which it must not do while we hold the lock.
bool MayWaitForPipe(const Call& call, const Transfer& transfer) {
  wire::FileState source;
  if (call.nr != SYS_splice || (call.args[5] & kNonblock) != 0) return false;
  if (StatDescriptor(transfer.from, &source) != 0 || !S_ISFIFO(source.mode)) return false;
  return (Gate(SYS_fcntl, transfer.from, F_GETFL) & O_NONBLOCK) == 0;
}

long TransferToFile(Call call, const Transfer& transfer, const BeginTicket& begin, bool no_wait) {
  FileLock lock;
  long descriptor_flags = Gate(SYS_fcntl, transfer.to, F_GETFL);
  if (descriptor_flags < 0 || (descriptor_flags & O_ACCMODE) == O_RDONLY)
    return PassBy(call, Pass::kFails);
  wire::FileState source;
  wire::FileState before;
  if (StatDescriptor(transfer.from, &source) != 0 || StatDescriptor(transfer.to, &before) != 0)
    return PassBy(call, Pass::kFails);
  uint64_t limit = source.size > kAtLeast ? source.size : kAtLeast;
  if (limit > kAtMost) limit = kAtMost;
  uint64_t length = (uint64_t)call.args[transfer.length_index];

  // A short count is always allowed, and callers of these calls loop.
  if (length > limit) length = limit;
  call.args[transfer.length_index] = (long)length;
  if (no_wait) call.args[5] |= kNonblock;
  int64_t offset = 0;
  if (transfer.to_offset != 0) {
    if (CopyIn(&offset, (const int64_t*)transfer.to_offset) != 0) return PassBy(call, Pass::kFails);
  } else {
    offset = (descriptor_flags & O_APPEND) != 0 ? (long)before.size
                                                : Gate(SYS_lseek, transfer.to, 0, SEEK_CUR);
  }

  RecordWriter record(lock, wire::RecordKind::kWrite, call, begin.Use(),
                      wire::SectionSize(length) + kNamesRoom);
  record->descriptor = transfer.to;
  record->offset = (uint64_t)offset;
  record->length = AskedFor(call, length);
  record->open_flags = (uint32_t)descriptor_flags;
  record->flags = TransferFlags(descriptor_flags);
  record.AddState(wire::SectionType::kObjectBefore, before);

  record.Begun();
  long result = CarryOut(call);

  // Somebody else emptied the pipe: it will be tried again.
  if (no_wait && result == -EAGAIN && !IsReplaced(call)) {
    record.Abandon();
    begin.TakeBack();
    return result;
  }

  if (result > 0)
    AddReadBack(record, transfer.to, (uint64_t)offset, (uint64_t)result, descriptor_flags);

  return record.Done(result);
}

}  // namespace

long HandleTransfer(Call& call) {
  Transfer transfer = DescribeTransfer(call);
  wire::FileState state;
  if (StatDescriptor(transfer.to, &state) != 0) return PassBy(call, Pass::kFails);
  if (!S_ISREG(state.mode)) {
    if (FindChannel(transfer.to, state.dev, state.ino) >= 0) {
      RecordUnsupported(
          call,
          "sends output without its bytes being seen (sendfile or splice to an output channel)",
          transfer.to, nullptr);
    }
    return PassBy(call, Pass::kNoMatter);
  }

  const BeginTicket begin;
  bool may_wait = MayWaitForPipe(call, transfer);
  for (;;) {
    if (may_wait) {
      pollfd pipe = {transfer.from, POLLIN, 0};
      long ready = Gate(SYS_ppoll, &pipe, 1, 0, 0, 8);
      if (ready < 0) {
        PassedBy(call);
        return ready;
      }
    }
    long result = TransferToFile(call, transfer, begin, may_wait);
    if (!(may_wait && result == -EAGAIN) || IsReplaced(call)) return result;
  }
}

long HandleReflink(Call& call) {
  int fd = (int)call.args[0];
  wire::FileState state;
  if (StatDescriptor(fd, &state) != 0 || !S_ISREG(state.mode)) return PassBy(call, Pass::kFails);

  const BeginTicket begin;
  FileLock lock;
  file_clone_range range = {(int64_t)call.args[2], 0, 0, 0};
  if ((unsigned)call.args[1] == FICLONERANGE &&
      CopyIn(&range, (const file_clone_range*)call.args[2]) != 0) {
    return PassBy(call, Pass::kFails);
  }

  wire::FileState source;
  wire::FileState before;
  if (StatDescriptor((int)range.src_fd, &source) != 0 || StatDescriptor(fd, &before) != 0)
    return PassBy(call, Pass::kFails);
  uint64_t length = range.src_length;
  if (length == 0) length = source.size > range.src_offset ? source.size - range.src_offset : 0;
  long descriptor_flags = Gate(SYS_fcntl, fd, F_GETFL);

  RecordWriter record(lock, wire::RecordKind::kWrite, call, begin.Use(),
                      wire::SectionSize(length) + kNamesRoom);
  record->descriptor = fd;
  record->offset = range.dest_offset;
  record->length = length;
  record->open_flags = (uint32_t)descriptor_flags;
  record->flags = TransferFlags(descriptor_flags) & ~(uint32_t)wire::kAppended;
  record.AddState(wire::SectionType::kObjectBefore, before);

  record.Begun();
  long result = CarryOut(call);
  if (result == 0) AddReadBack(record, fd, range.dest_offset, length, descriptor_flags);
  return record.Done(result);
}

}  // namespace oldornew::preload
