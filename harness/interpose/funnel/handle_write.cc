// Writes from the program's memory. The bytes are copied into the record first and the kernel is
// given our copy, so what is recorded is what was written even when another thread scribbles on the
// buffer meanwhile.
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "interpose/funnel/descriptors.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

namespace oldornew::preload {

namespace {

// MAX_RW_COUNT: the kernel transfers no more in one call
constexpr uint64_t kMaxTransfer = 0x7ffff000;
constexpr int kMaxVectors = 1024;  // UIO_MAXIOV

struct Source {
  bool vector = false;
  uint64_t address = 0;
  int count = 0;        // of iovecs
  uint64_t length = 0;  // bytes asked for, at most kMaxTransfer
  bool valid = true;    // false: the kernel will refuse the arguments
};

Source DescribeSource(const Call& call) {
  Source source;
  source.address = (uint64_t)call.args[1];
  source.vector = call.nr == SYS_writev || call.nr == SYS_pwritev || call.nr == SYS_pwritev2;
  int64_t count = call.args[2];
  if (call.nr == SYS_sendmsg) {
    msghdr message = {};
    source.vector = true;
    source.valid = CopyIn(&message, (const msghdr*)call.args[1]) == 0;
    source.address = (uint64_t)message.msg_iov;
    count = (int64_t)message.msg_iovlen;
  }

  if (!source.vector) {
    source.length = (uint64_t)call.args[2];
  } else {
    source.count = (int)count;
    source.valid = source.valid && count >= 0 && count <= kMaxVectors;
    iovec part;
    for (int i = 0; source.valid && i < source.count; i++) {
      if (CopyIn(&part, (const iovec*)source.address + i) != 0 || (int64_t)part.iov_len < 0) {
        source.valid = false;
      } else {
        source.length += part.iov_len;
      }
    }
  }

  if (source.length > kMaxTransfer) source.length = kMaxTransfer;
  return source;
}

/// Copies up to `length` bytes; returns how many could be read before the first unreadable one.
uint64_t Gather(const Source& source, char* to, uint64_t length) {
  if (!source.vector) return CopyInUpTo(to, (const void*)source.address, length);
  uint64_t done = 0;
  iovec part;
  for (int i = 0; i < source.count && done < length; i++) {
    if (CopyIn(&part, (const iovec*)source.address + i) != 0) break;
    uint64_t want = part.iov_len < length - done ? part.iov_len : length - done;
    uint64_t got = CopyInUpTo(to + done, part.iov_base, want);
    done += got;
    if (got < want) break;
  }

  return done;
}

/// The same call with our copy of the bytes, where the kernel can read it, as its buffer.
long WriteCopy(const Call& call, const Source& source, char* bytes) {
  if (!source.vector) {
    return CarryOutWith(call, call.args[0], bytes, source.length, call.args[3], call.args[4],
                        call.args[5]);
  }
  iovec whole = {bytes, source.length};
  return CarryOutWith(call, call.args[0], &whole, 1, call.args[3], call.args[4], call.args[5]);
}

bool Sends(long nr) { return nr == SYS_sendto || nr == SYS_sendmsg || nr == SYS_sendmmsg; }

long WriteOutput(const Call& call, int channel, const DescriptorFacts& facts) {
  Source source = DescribeSource(call);
  if (!source.valid || source.length == 0)
    return PassBy(call, source.valid ? Pass::kNoMatter : Pass::kFails);

  RecordWriter record(wire::RecordKind::kOutput, call, TakeTicket(),
                      wire::SectionSize(source.length) + kNamesRoom);
  record->descriptor = (int)call.args[0];
  record->other_pid = channel;
  record->length = source.length;
  record.AddState(wire::SectionType::kObjectBefore, StateOf(facts));
  char* bytes = record.Open(wire::SectionType::kData, source.length);
  uint64_t have = bytes != nullptr ? Gather(source, bytes, source.length) : 0;

  record.Begun();

  // The program's own buffer: a pipe may take the pages themselves, and the call may block while
  // others go on.
  long result = CarryOut(call);
  uint64_t written = result > 0 ? (uint64_t)result : 0;
  record.ShrinkTo(bytes, written < have ? written : have, have);

  return record.Done(result);
}

/// Where a write to a file will go, asked under the lock. Appending writes are placed after the
/// call.
uint64_t OffsetBefore(const Call& call, bool* from_position) {
  bool positional = call.nr == SYS_pwrite64 || call.nr == SYS_pwritev || call.nr == SYS_pwritev2;
  if (positional && !(call.nr == SYS_pwritev2 && call.args[3] == -1)) return (uint64_t)call.args[3];
  *from_position = true;
  long at = UnderProgramFilter() ? -1 : Gate(SYS_lseek, call.args[0], 0, SEEK_CUR);
  return at >= 0 ? (uint64_t)at : 0;
}

uint32_t WriteFlags(const Call& call, long descriptor_flags) {
  long per_call = call.nr == SYS_pwritev2 ? call.args[5] : 0;
  uint32_t flags = 0;
  bool append = (descriptor_flags & O_APPEND) != 0 && (per_call & RWF_NOAPPEND) == 0;
  if (append || (per_call & RWF_APPEND) != 0) flags |= wire::kAppended;
  if ((descriptor_flags & O_SYNC) == O_SYNC || (per_call & RWF_SYNC) != 0) flags |= wire::kSynced;
  if ((descriptor_flags & O_DSYNC) != 0 || (per_call & RWF_DSYNC) != 0) flags |= wire::kDataSynced;
  if ((descriptor_flags & O_DIRECT) != 0) flags |= wire::kDirect;
  return flags;
}

long WriteFile(const Call& call, const DescriptorFacts& facts) {
  int fd = (int)call.args[0];
  if ((facts.flags & O_ACCMODE) == O_RDONLY) return PassBy(call, Pass::kFails);
  Source source = DescribeSource(call);
  if (!source.valid) return PassBy(call, Pass::kFails);

  const BeginTicket begin;
  FileLock lock;

  RecordWriter record(lock, wire::RecordKind::kWrite, call, begin.Use(),
                      wire::SectionSize(source.length) + kNamesRoom);
  record->descriptor = fd;
  record->length = AskedFor(call, source.length);
  record->open_flags = facts.flags;
  record->flags = WriteFlags(call, facts.flags);
  bool from_position = false;
  if ((record->flags & wire::kAppended) == 0) record->offset = OffsetBefore(call, &from_position);
  if (from_position && UnderProgramFilter()) record->flags |= wire::kUnresolved;
  record.AddState(wire::SectionType::kObjectBefore, StateOf(facts));
  char* bytes = record.Open(wire::SectionType::kData, source.length);
  uint64_t have = bytes != nullptr ? Gather(source, bytes, source.length) : 0;

  record.Begun();

  // A buffer that ends in an unreadable page, and O_DIRECT with its rules on alignment, get the
  // program's own pointers.
  bool ours = bytes != nullptr && have == source.length && have != 0 &&
              (record->flags & wire::kDirect) == 0;
  char* lent = ours ? Lend(bytes, source.length) : nullptr;
  long result = lent != nullptr ? WriteCopy(call, source, lent) : CarryOut(call);
  uint64_t written = result > 0 ? (uint64_t)result : 0;
  if (written > have) record->flags |= wire::kPayloadMissing;
  record.ShrinkTo(bytes, written < have ? written : have, have);
  if (written > 0) {
    wire::FileState after;
    if (StatDescriptor(fd, &after) == 0) record.AddState(wire::SectionType::kObjectAfter, after);
  }

  return record.Done(result);
}

}  // namespace

int FindChannel(int fd, uint64_t dev, uint64_t ino) {
  for (uint32_t i = 0; i < g_header->channel_count; i++) {
    const wire::Channel& channel = g_header->channels[i];
    if (channel.id.dev == dev && channel.id.ino == ino) {
      // One terminal or pipe may be both stdout and stderr: the number used tells.
      for (uint32_t k = i; k < g_header->channel_count; k++) {
        const wire::Channel& other = g_header->channels[k];
        if (other.id.dev == dev && other.id.ino == ino && other.descriptor == fd) return fd;
      }
      return channel.descriptor;
    }
  }

  return g_header->channel_count == 0 && (fd == 1 || fd == 2) ? fd : -1;
}

long HandleWrite(Call& call) {
  DescriptorFacts facts;
  if (LookUpDescriptor((int)call.args[0], &facts) != 0) return PassBy(call, Pass::kFails);
  if (S_ISREG(facts.mode) && !Sends(call.nr)) return WriteFile(call, facts);
  int channel = FindChannel((int)call.args[0], facts.dev, facts.ino);
  if (channel < 0) return PassBy(call, Pass::kNoMatter);
  if (call.nr == SYS_sendmmsg) {
    RecordUnsupported(call,
                      "sends output without its bytes being seen (sendmmsg to an output channel)",
                      (int)call.args[0], nullptr);
    return PassBy(call, Pass::kNoMatter);
  }

  return WriteOutput(call, channel, facts);
}

}  // namespace oldornew::preload
