// Records of descriptors, data and durability.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "interpose/decoding.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

uint32_t FlagsOf(const wire::Record& record) {
  uint32_t flags = 0;
  if (record.flags & wire::kAppended) flags |= kFlagAppend;
  if (record.flags & wire::kSynced) flags |= kFlagSync;
  if ((record.flags & wire::kDataSynced) && !(record.flags & wire::kSynced)) flags |= kFlagDataSync;
  if (record.flags & wire::kDirect) flags |= kFlagDirect;
  return flags;
}

int ChannelOf(Decoding& d, const RecordView& record) {
  wire::FileState state = record.state(SectionType::kObjectBefore);
  int fd = record.fixed->descriptor;
  for (uint32_t i = 0; i < d.header.channel_count && i < wire::kMaxChannels; i++) {
    const wire::Channel& channel = d.header.channels[i];
    if (channel.id.dev == state.dev && channel.id.ino == state.ino) return channel.descriptor;
  }
  return d.header.channel_count == 0 && (fd == 1 || fd == 2) ? fd : -1;
}

}  // namespace

void NoteClosed(Decoding& d, const RecordView& record, const OpenFile& file) {
  if (file.object == kNoObject) return;

  Op op = d.ops.NewOp(record, OpKind::kClose);

  // The descriptor is closed even when close(2) reports EIO: an error is about the bytes.
  const wire::Record& r = *record.fixed;
  const bool told = record.kind() == RecordKind::kClose && r.injection != 0;
  if (record.kind() != RecordKind::kClose) op.error = 0;
  if (told && r.told != 0) op.error = r.told;
  op.told = 0;
  op.object = file.object;
  op.path = d.objects.Path(file.object);
  if (file.truncated) op.flags |= kFlagOpenTruncate;
  d.ops.Emit(std::move(op));
}

void DecodeCreated(Decoding& d, const RecordView& record, Op op) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  bool judged = op.dir != kNoObject || ((record.fixed->flags & wire::kUnnamed) &&
                                        d.objects.Find(record.fixed->dir) != kNoObject);
  if (!judged) {
    if ((record.fixed->flags & wire::kUnresolved) && d.objects.OnRootDevice(after.dev)) {
      d.ops.Obstruct(Obstacle::Kind::kIncomplete,
                     fmt::format("{} created a file whose place could not be found out ({})",
                                 d.ops.Who(record), Text(record, SectionType::kPath)));
    }
    d.objects.Forget(after);
    return d.ops.Outside();
  }

  op.object = d.objects.Create(after);
  op.mode = after.mode & kPermissions;
  op.uid = after.uid;
  op.gid = after.gid;
  d.trace->objects[static_cast<size_t>(op.object)].created_by =
      static_cast<int32_t>(d.trace->ops.size());
  d.attributes.Known(op.object) = {op.mode, op.uid, op.gid, "", "", after.size};
  if (op.dir != kNoObject) d.objects.AddName(op.dir, op.name, op.object);
  if (op.path.empty()) op.path = d.objects.Path(op.object);
  d.ops.Emit(op);
  ObjectId dir = op.dir != kNoObject ? op.dir : d.objects.Find(record.fixed->dir);
  if (!d.attributes.Known(dir).default_acl.empty()) InheritAcl(d, record, op);
}

void NameInFlight(Decoding& d, uint32_t type, uint32_t permissions, Op* op) {
  if (op->dir == kNoObject || op->object != kNoObject) return;
  wire::FileState made = {};
  made.mode = type;
  op->object = d.objects.Create(made);
  d.created_in_flight.insert(op->object);
  op->mode = permissions & kPermissions & ~022u;
  const bool captured = !d.trace->new_tree.roots().empty();
  std::optional<InodeIndex> inode = captured ? d.trace->new_tree.Lookup(op->path) : std::nullopt;
  if (!inode || d.trace->new_tree.at(*inode).kind != KindOf(type)) return;
  op->mode = d.trace->new_tree.at(*inode).mode;
  op->uid = d.trace->new_tree.at(*inode).uid;
  op->gid = d.trace->new_tree.at(*inode).gid;
}

void DecodeOpen(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;
  bool unnamed = (r.flags & wire::kUnnamed) != 0;
  bool created = (r.flags & wire::kCreated) != 0 || unnamed;
  bool failed = !record.done() || r.ret < 0;
  wire::FileState before = record.state(SectionType::kObjectBefore);
  bool would_create = before.mode == 0 && (r.open_flags & O_CREAT) != 0;
  ObjectId object =
      failed ? d.Before(record) : d.objects.Find(record.state(SectionType::kObjectAfter));
  if (created || (failed && would_create)) {
    Op op = d.ops.NewOp(record, OpKind::kCreate);
    op.dir = unnamed ? kNoObject : d.objects.Find(r.dir);
    op.name = Text(record, SectionType::kName);
    if (op.dir != kNoObject) op.path = d.objects.Path(op.dir, op.name);
    if (!failed) {
      DecodeCreated(d, record, std::move(op));
      object = d.objects.Find(record.state(SectionType::kObjectAfter));
    } else if (op.dir != kNoObject) {
      if ((r.open_flags & O_EXCL) != 0) op.object = d.objects.At(op.dir, op.name);
      const size_t mode_at = r.nr == SYS_creat ? 1 : r.nr == SYS_openat ? 3 : 2;
      if (!record.done()) NameInFlight(d, S_IFREG, static_cast<uint32_t>(r.args[mode_at]), &op);
      d.ops.Emit(std::move(op));
    } else {
      d.ops.Outside();
    }
  } else if (object == kNoObject) {
    d.ops.Outside();
  } else if ((r.flags & wire::kTruncated) != 0 || (failed && (r.open_flags & O_TRUNC) != 0)) {
    Op op = d.ops.NewOp(record, OpKind::kTruncate);
    op.flags |= kFlagOpenTruncate;
    op.object = object;
    op.path = d.objects.Path(object);
    op.size_before = before.size;
    op.size_after = 0;
    if (!failed) d.attributes.Known(object).size = 0;
    d.ops.Emit(std::move(op));
    NoteAttributes(d, record, object, false);
  }

  if (!failed && (r.open_flags & O_ACCMODE) != O_RDONLY) {
    bool truncated = (r.open_flags & O_TRUNC) != 0 && !created;
    d.processes.Open(d.processes.IndexOf(r.pid), static_cast<int>(r.ret), object, truncated,
                     (r.open_flags & O_CLOEXEC) != 0);
  }
}

void DecodeClose(Decoding& d, const RecordView& record) {
  if (!record.done()) return;
  const wire::Record& r = *record.fixed;
  int32_t process = d.processes.IndexOf(r.pid);
  if (record.kind() == RecordKind::kClose) {
    if (r.injection != 0 && r.ret == -ECANCELED) return;  // it was not carried out
    if (auto file = d.processes.Close(process, r.descriptor)) NoteClosed(d, record, *file);
    return;
  }

  if (r.ret < 0) return;
  constexpr uint64_t kCloseRangeCloexec = 4;
  for (int fd : d.processes.DescriptorsIn(process, static_cast<uint32_t>(r.args[0]),
                                          static_cast<uint32_t>(r.args[1]))) {
    if ((r.args[2] & kCloseRangeCloexec) != 0) {
      d.processes.SetCloseOnExec(process, fd, true);
    } else if (auto file = d.processes.Close(process, fd)) {
      NoteClosed(d, record, *file);
    }
  }
}

void DecodeDup(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;
  if (!record.done() || r.ret < 0) return;
  int32_t process = d.processes.IndexOf(r.pid);
  if (record.kind() == RecordKind::kCloexec) {
    d.processes.SetCloseOnExec(process, r.descriptor, (r.args[2] & FD_CLOEXEC) != 0);
    return;
  }

  auto to = static_cast<int>(r.ret);
  if (to == r.descriptor) return;
  std::shared_ptr<OpenFile> closed = d.processes.Close(process, to);
  bool cloexec = (r.nr == SYS_dup3 && (r.args[2] & O_CLOEXEC) != 0) ||
                 (r.nr == SYS_fcntl && r.args[1] == F_DUPFD_CLOEXEC);
  if (record.has(SectionType::kObjectBefore))
    d.processes.Duplicate(process, r.descriptor, to, cloexec);
  if (closed) NoteClosed(d, record, *closed);
}

void DecodeOutput(Decoding& d, const RecordView& record, int channel) {
  if (!record.done() || record.fixed->ret <= 0) return;
  Op op = d.ops.NewOp(record, OpKind::kOutput);
  op.name = channel == 1 ? "stdout" : channel == 2 ? "stderr" : fmt::format("fd {}", channel);
  std::string_view bytes = record.text(SectionType::kData);
  op.data = d.ops.AddPayload(bytes);
  op.length = bytes.size();
  op.requested = record.fixed->length;
  d.ops.Emit(std::move(op));
}

void DecodeWrite(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;

  // What fstat says after the call is what was written to; before it, the descriptor was only
  // remembered.
  ObjectId object = record.has(SectionType::kObjectAfter)
                        ? d.objects.Find(record.state(SectionType::kObjectAfter))
                        : d.Before(record);
  if (object == kNoObject) {
    int channel = ChannelOf(d, record);
    return channel >= 0 ? DecodeOutput(d, record, channel) : d.ops.Outside();
  }

  // nothing moved
  if (record.done() && r.ret == 0 && !(r.flags & wire::kPayloadMissing) && r.nr != SYS_ioctl)
    return;

  Op op = d.ops.NewOp(record, OpKind::kWrite);
  op.flags |= FlagsOf(r);
  op.object = object;
  op.path = d.objects.Path(object);
  op.offset = r.offset;
  op.requested = r.length;

  // Not what fstat said before the call: another writer may have come in between while this one
  // waited for the lock.
  op.size_before = d.attributes.Known(object).size;
  op.size_after = record.has(SectionType::kObjectAfter)
                      ? record.state(SectionType::kObjectAfter).size
                      : op.size_before;
  if (record.done() && op.error == 0) d.attributes.Known(object).size = op.size_after;
  if (op.error == 0) {
    std::string_view bytes = record.text(SectionType::kData);
    op.data = d.ops.AddPayload(bytes);
    op.length = bytes.size();
  }

  // Another writer may have appended while this one waited for its turn; the size after the call
  // tells where it went.
  if (record.done() && op.error == 0 && (r.flags & wire::kAppended))
    op.offset = op.size_after - op.length;
  if ((!record.done() || op.error != 0) && (r.flags & wire::kAppended)) op.offset = op.size_before;
  if (r.flags & (wire::kPayloadMissing | wire::kUnresolved)) {
    d.ops.Obstruct(
        Obstacle::Kind::kIncomplete,
        fmt::format("the bytes that {} wrote to {} could not be recorded", op.call, op.path));
  }

  d.ops.Emit(std::move(op));
  NoteAttributes(d, record, object, false);
}

void DecodeResize(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;
  ObjectId object = d.Before(record);
  if (object == kNoObject) return d.ops.Outside();
  bool allocate = record.kind() == RecordKind::kAllocate;

  Op op = d.ops.NewOp(record, allocate ? OpKind::kAllocate : OpKind::kTruncate);
  op.object = object;
  op.path = d.objects.Path(object);
  op.size_before = record.state(SectionType::kObjectBefore).size;
  op.size_after = record.state(SectionType::kObjectAfter).size;
  if (!record.done() || op.error != 0) op.size_after = allocate ? op.size_before : r.length;
  if (record.done() && op.error == 0) d.attributes.Known(object).size = op.size_after;
  if (allocate) {
    op.mode = r.mode_arg;
    op.offset = r.offset;
    op.length = r.length;
  }

  d.ops.Emit(std::move(op));
  NoteAttributes(d, record, object, false);
}

void DecodeSync(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;
  static const std::map<RecordKind, OpKind> kKinds = {{RecordKind::kFsync, OpKind::kFsync},
                                                      {RecordKind::kFdatasync, OpKind::kFdatasync},
                                                      {RecordKind::kSyncFs, OpKind::kSyncFs},
                                                      {RecordKind::kSyncAll, OpKind::kSyncAll},
                                                      {RecordKind::kSyncRange, OpKind::kSyncRange}};
  auto kind = kKinds.find(record.kind());

  // msync: of use only after stores to a shared mapping, which are an obstacle
  if (kind == kKinds.end()) return d.ops.Outside();

  Op op = d.ops.NewOp(record, kind->second);
  if (record.kind() != RecordKind::kSyncAll) {
    op.object = d.Before(record);
    if (op.object == kNoObject && record.kind() == RecordKind::kSyncFs) {
      op.object = d.objects.RootOnDevice(record.state(SectionType::kObjectBefore).dev);
    }
    if (op.object == kNoObject) return d.ops.Outside();
    op.path = d.objects.Path(op.object);
  }

  if (record.kind() == RecordKind::kSyncRange) {
    op.offset = r.offset;
    op.length = r.length;
    op.mode = r.mode_arg;
  }

  d.ops.Emit(std::move(op));
}

}  // namespace oldornew
