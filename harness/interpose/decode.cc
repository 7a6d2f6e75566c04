#include "interpose/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <set>
#include <utility>

#include "base/text.h"
#include "interpose/object_table.h"
#include "interpose/process_table.h"
#include "interpose/record_view.h"
#include "interpose/recording.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

namespace {

constexpr const char kAccessAcl[] = "system.posix_acl_access";
constexpr uint32_t kPermissions = 07777;

class Decoder {
 public:
  Decoder(const CapturedTree& old_tree, const wire::Header& header, Trace* trace,
          DecodeStatistics* statistics)
      : old_tree_(old_tree.tree),
        header_(header),
        trace_(trace),
        statistics_(statistics),
        objects_(old_tree, trace),
        processes_(trace) {}

  void Decode(const RecordView& record);
  void Finish() { processes_.Finish(); }

  void Obstruct(Obstacle::Kind kind, std::string reason) {
    if (said_.insert(reason).second) trace_->obstacles.push_back({kind, std::move(reason)});
  }

 private:
  Op NewOp(const RecordView& record, OpKind kind);
  void Emit(Op op);
  void Outside() { statistics_->outside++; }
  ObjectId Before(const RecordView& r) const { return objects_.Find(r.state(SectionType::kObjectBefore)); }
  std::string Who(const RecordView& record);
  void Unseen(const std::string& path);

  void DecodeOpen(const RecordView& record);
  void DecodeCreated(const RecordView& record, Op op);
  void DecodeClose(const RecordView& record);
  void DecodeDup(const RecordView& record);
  void DecodeWrite(const RecordView& record);
  void DecodeOutput(const RecordView& record, int channel);
  void DecodeResize(const RecordView& record);
  void DecodeSync(const RecordView& record);
  void DecodeMakeNode(const RecordView& record);
  void DecodeLink(const RecordView& record);
  void DecodeUnlink(const RecordView& record);
  void DecodeRename(const RecordView& record);
  void DecodeMoveAcross(const RecordView& record, ObjectId dir, ObjectId dir2);
  void DecodeMetadata(const RecordView& record);
  void DecodeExit(const RecordView& record);
  void DecodeMapShared(const RecordView& record);
  void DecodeUnsupported(const RecordView& record);
  void DecodeRefused(const RecordView& record);

  /// Adds a kSetAttributes op when mode or owner after the call are not what they were: chmod by ACL, a write
  /// that clears the set-user-id bit.
  void NoteAttributes(const RecordView& record, ObjectId object, bool always);
  void NoteClosed(const RecordView& record, const OpenFile& file);
  int ChannelOf(const RecordView& record) const;
  uint64_t AddPayload(std::string_view bytes) {
    uint64_t at = trace_->payload.size();
    trace_->payload.append(bytes);
    return at;
  }

  /// What the ops so far left of a file, as far as later records are judged by it.
  struct Attributes {
    uint32_t mode = 0;
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::string acl;
    uint64_t size = 0;
  };
  Attributes& Known(ObjectId object);

  const FileTree& old_tree_;
  const wire::Header& header_;
  Trace* trace_;
  DecodeStatistics* statistics_;
  ObjectTable objects_;
  ProcessTable processes_;
  std::map<ObjectId, Attributes> attributes_;
  std::set<std::string> said_;
};

uint32_t FlagsOf(const wire::Record& record) {
  uint32_t flags = 0;
  if (record.flags & wire::kAppended) flags |= kFlagAppend;
  if (record.flags & wire::kSynced) flags |= kFlagSync;
  if ((record.flags & wire::kDataSynced) && !(record.flags & wire::kSynced)) flags |= kFlagDataSync;
  if (record.flags & wire::kDirect) flags |= kFlagDirect;
  return flags;
}

std::string Text(const RecordView& record, SectionType type) { return std::string(record.text(type)); }

Op Decoder::NewOp(const RecordView& record, OpKind kind) {
  const wire::Record& r = *record.fixed;
  Op op;
  op.kind = kind;
  op.begin = r.begin;
  op.process = processes_.IndexOf(r.pid);
  op.thread = r.thread;
  op.syscall = r.nr;
  op.call = SyscallName(r.nr);
  op.descriptor = r.descriptor;
  if (record.done()) {
    op.end = r.end;
    if (r.ret < 0 && r.ret >= -4095) op.error = static_cast<int32_t>(-r.ret);
  } else {
    op.flags |= kFlagInFlight;
  }
  if (r.ip != 0) op.stack.push_back(r.ip);
  return op;
}

void Decoder::Emit(Op op) { trace_->ops.push_back(std::move(op)); }

std::string Decoder::Who(const RecordView& record) {
  auto index = static_cast<size_t>(processes_.IndexOf(record.fixed->pid));
  const std::string& program = trace_->processes[index].program;
  return program.empty() ? fmt::format("process {}", record.fixed->pid) : program;
}

void Decoder::Unseen(const std::string& path) {
  Obstruct(Obstacle::Kind::kIncomplete,
           fmt::format("{} was made by something that the recorder did not see", path));
}

Decoder::Attributes& Decoder::Known(ObjectId object) {
  auto [entry, fresh] = attributes_.try_emplace(object);
  if (fresh && static_cast<size_t>(object) < old_tree_.size()) {
    const Inode& inode = old_tree_.at(object);
    auto acl = inode.xattrs.find(kAccessAcl);
    entry->second = {inode.mode, inode.uid, inode.gid, acl == inode.xattrs.end() ? "" : acl->second,
                     inode.content.size()};
  }
  return entry->second;
}

void Decoder::NoteAttributes(const RecordView& record, ObjectId object, bool always) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  Attributes& known = Known(object);
  if (after.mode == 0) {
    if (always) {  // failed, or in flight
      Op op = NewOp(record, OpKind::kSetAttributes);
      op.object = object;
      op.path = objects_.Path(object);
      Emit(std::move(op));
    }
    return;
  }
  bool changed =
      known.mode != (after.mode & kPermissions) || known.uid != after.uid || known.gid != after.gid;
  if (changed || always) {
    Op op = NewOp(record, OpKind::kSetAttributes);
    op.object = object;
    op.mode = after.mode & kPermissions;
    op.uid = after.uid;
    op.gid = after.gid;
    op.path = objects_.Path(object);
    known.mode = op.mode;
    known.uid = op.uid;
    known.gid = op.gid;
    Emit(std::move(op));
  }
}

void Decoder::NoteClosed(const RecordView& record, const OpenFile& file) {
  if (file.object == kNoObject) return;
  Op op = NewOp(record, OpKind::kClose);
  op.error = 0;  // The descriptor is closed even when close(2) reports EIO.
  op.object = file.object;
  op.path = objects_.Path(file.object);
  if (file.truncated) op.flags |= kFlagOpenTruncate;
  Emit(std::move(op));
}

void Decoder::DecodeCreated(const RecordView& record, Op op) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  bool judged = op.dir != kNoObject ||
                ((record.fixed->flags & wire::kUnnamed) && objects_.Find(record.fixed->dir) != kNoObject);
  if (!judged) {
    if ((record.fixed->flags & wire::kUnresolved) && objects_.OnRootDevice(after.dev)) {
      Obstruct(Obstacle::Kind::kIncomplete,
               fmt::format("{} created a file whose place could not be found out ({})", Who(record),
                           Text(record, SectionType::kPath)));
    }
    objects_.Forget(after);
    return Outside();
  }
  op.object = objects_.Create(after);
  op.mode = after.mode & kPermissions;
  op.uid = after.uid;
  op.gid = after.gid;
  trace_->objects[static_cast<size_t>(op.object)].created_by = static_cast<int32_t>(trace_->ops.size());
  Known(op.object) = {op.mode, op.uid, op.gid, "", after.size};
  if (op.dir != kNoObject) objects_.AddName(op.dir, op.name, op.object);
  if (op.path.empty()) op.path = objects_.Path(op.object);
  Emit(std::move(op));
}

void Decoder::DecodeOpen(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  bool unnamed = (r.flags & wire::kUnnamed) != 0;
  bool created = (r.flags & wire::kCreated) != 0 || unnamed;
  bool failed = !record.done() || r.ret < 0;
  wire::FileState before = record.state(SectionType::kObjectBefore);
  bool would_create = before.mode == 0 && (r.open_flags & O_CREAT) != 0;
  ObjectId object = failed ? Before(record) : objects_.Find(record.state(SectionType::kObjectAfter));
  if (created || (failed && would_create)) {
    Op op = NewOp(record, OpKind::kCreate);
    op.dir = unnamed ? kNoObject : objects_.Find(r.dir);
    op.name = Text(record, SectionType::kName);
    if (op.dir != kNoObject) op.path = objects_.Path(op.dir, op.name);
    if (!failed) {
      DecodeCreated(record, std::move(op));
      object = objects_.Find(record.state(SectionType::kObjectAfter));
    } else if (op.dir != kNoObject) {
      if ((r.open_flags & O_EXCL) != 0) op.object = objects_.At(op.dir, op.name);
      Emit(std::move(op));
    } else {
      Outside();
    }
  } else if (object == kNoObject) {
    Outside();
  } else if ((r.flags & wire::kTruncated) != 0 || (failed && (r.open_flags & O_TRUNC) != 0)) {
    Op op = NewOp(record, OpKind::kTruncate);
    op.flags |= kFlagOpenTruncate;
    op.object = object;
    op.path = objects_.Path(object);
    op.size_before = before.size;
    op.size_after = 0;
    Known(object).size = 0;
    Emit(std::move(op));
    NoteAttributes(record, object, false);
  }
  if (!failed && (r.open_flags & O_ACCMODE) != O_RDONLY) {
    bool truncated = (r.open_flags & O_TRUNC) != 0 && !created;
    processes_.Open(processes_.IndexOf(r.pid), static_cast<int>(r.ret), object, truncated,
                    (r.open_flags & O_CLOEXEC) != 0);
  }
}

void Decoder::DecodeClose(const RecordView& record) {
  if (!record.done()) return;
  const wire::Record& r = *record.fixed;
  int32_t process = processes_.IndexOf(r.pid);
  if (record.kind() == RecordKind::kClose) {
    if (auto file = processes_.Close(process, r.descriptor)) NoteClosed(record, *file);
    return;
  }
  if (r.ret < 0) return;
  constexpr uint64_t kCloseRangeCloexec = 4;
  for (int fd : processes_.DescriptorsIn(process, static_cast<uint32_t>(r.args[0]),
                                         static_cast<uint32_t>(r.args[1]))) {
    if ((r.args[2] & kCloseRangeCloexec) != 0) {
      processes_.SetCloseOnExec(process, fd, true);
    } else if (auto file = processes_.Close(process, fd)) {
      NoteClosed(record, *file);
    }
  }
}

void Decoder::DecodeDup(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  if (!record.done() || r.ret < 0) return;
  int32_t process = processes_.IndexOf(r.pid);
  if (record.kind() == RecordKind::kCloexec) {
    processes_.SetCloseOnExec(process, r.descriptor, (r.args[2] & FD_CLOEXEC) != 0);
    return;
  }
  auto to = static_cast<int>(r.ret);
  if (to == r.descriptor) return;
  std::shared_ptr<OpenFile> closed = processes_.Close(process, to);
  bool cloexec = (r.nr == SYS_dup3 && (r.args[2] & O_CLOEXEC) != 0) ||
                 (r.nr == SYS_fcntl && r.args[1] == F_DUPFD_CLOEXEC);
  if (record.has(SectionType::kObjectBefore)) processes_.Duplicate(process, r.descriptor, to, cloexec);
  if (closed) NoteClosed(record, *closed);
}

int Decoder::ChannelOf(const RecordView& record) const {
  wire::FileState state = record.state(SectionType::kObjectBefore);
  int fd = record.fixed->descriptor;
  for (uint32_t i = 0; i < header_.channel_count && i < wire::kMaxChannels; i++) {
    const wire::Channel& channel = header_.channels[i];
    if (channel.id.dev == state.dev && channel.id.ino == state.ino) return channel.descriptor;
  }
  return header_.channel_count == 0 && (fd == 1 || fd == 2) ? fd : -1;
}

void Decoder::DecodeOutput(const RecordView& record, int channel) {
  if (!record.done() || record.fixed->ret <= 0) return;
  Op op = NewOp(record, OpKind::kOutput);
  op.name = channel == 1 ? "stdout" : channel == 2 ? "stderr" : fmt::format("fd {}", channel);
  std::string_view bytes = record.text(SectionType::kData);
  op.data = AddPayload(bytes);
  op.length = bytes.size();
  op.requested = record.fixed->length;
  Emit(std::move(op));
}

void Decoder::DecodeWrite(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  // What fstat says after the call is what was written to; before it, the descriptor was only remembered.
  ObjectId object = record.has(SectionType::kObjectAfter)
                        ? objects_.Find(record.state(SectionType::kObjectAfter))
                        : Before(record);
  if (object == kNoObject) {
    int channel = ChannelOf(record);
    return channel >= 0 ? DecodeOutput(record, channel) : Outside();
  }
  if (record.done() && r.ret == 0 && !(r.flags & wire::kPayloadMissing) && r.nr != SYS_ioctl)
    return;  // nothing moved
  Op op = NewOp(record, OpKind::kWrite);
  op.flags |= FlagsOf(r);
  op.object = object;
  op.path = objects_.Path(object);
  op.offset = r.offset;
  op.requested = r.length;
  // Not what fstat said before the call: another writer may have come in between while this one waited for
  // the lock.
  op.size_before = Known(object).size;
  op.size_after =
      record.has(SectionType::kObjectAfter) ? record.state(SectionType::kObjectAfter).size : op.size_before;
  if (record.done() && op.error == 0) Known(object).size = op.size_after;
  if (op.error == 0) {
    std::string_view bytes = record.text(SectionType::kData);
    op.data = AddPayload(bytes);
    op.length = bytes.size();
  }
  // Another writer may have appended while this one waited for its turn; the size after the call tells where
  // it went.
  if (record.done() && op.error == 0 && (r.flags & wire::kAppended)) op.offset = op.size_after - op.length;
  if ((!record.done() || op.error != 0) && (r.flags & wire::kAppended)) op.offset = op.size_before;
  if (r.flags & (wire::kPayloadMissing | wire::kUnresolved)) {
    Obstruct(Obstacle::Kind::kIncomplete,
             fmt::format("the bytes that {} wrote to {} could not be recorded", op.call, op.path));
  }
  Emit(std::move(op));
  NoteAttributes(record, object, false);
}

void Decoder::DecodeResize(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  ObjectId object = Before(record);
  if (object == kNoObject) return Outside();
  bool allocate = record.kind() == RecordKind::kAllocate;
  Op op = NewOp(record, allocate ? OpKind::kAllocate : OpKind::kTruncate);
  op.object = object;
  op.path = objects_.Path(object);
  op.size_before = record.state(SectionType::kObjectBefore).size;
  op.size_after = record.state(SectionType::kObjectAfter).size;
  if (!record.done() || op.error != 0) op.size_after = allocate ? op.size_before : r.length;
  if (record.done() && op.error == 0) Known(object).size = op.size_after;
  if (allocate) {
    op.mode = r.mode_arg;
    op.offset = r.offset;
    op.length = r.length;
  }
  Emit(std::move(op));
  NoteAttributes(record, object, false);
}

void Decoder::DecodeSync(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  static const std::map<RecordKind, OpKind> kKinds = {{RecordKind::kFsync, OpKind::kFsync},
                                                      {RecordKind::kFdatasync, OpKind::kFdatasync},
                                                      {RecordKind::kSyncFs, OpKind::kSyncFs},
                                                      {RecordKind::kSyncAll, OpKind::kSyncAll},
                                                      {RecordKind::kSyncRange, OpKind::kSyncRange}};
  auto kind = kKinds.find(record.kind());
  if (kind == kKinds.end())
    return Outside();  // msync: of use only after stores to a shared mapping, which are an obstacle
  Op op = NewOp(record, kind->second);
  if (record.kind() != RecordKind::kSyncAll) {
    op.object = Before(record);
    if (op.object == kNoObject && record.kind() == RecordKind::kSyncFs) {
      op.object = objects_.RootOnDevice(record.state(SectionType::kObjectBefore).dev);
    }
    if (op.object == kNoObject) return Outside();
    op.path = objects_.Path(op.object);
  }
  if (record.kind() == RecordKind::kSyncRange) {
    op.offset = r.offset;
    op.length = r.length;
    op.mode = r.mode_arg;
  }
  Emit(std::move(op));
}

void Decoder::DecodeMakeNode(const RecordView& record) {
  Op op = NewOp(record, OpKind::kCreate);
  op.dir = objects_.Find(record.fixed->dir);
  if (op.dir == kNoObject) {
    if (record.has(SectionType::kObjectAfter)) objects_.Forget(record.state(SectionType::kObjectAfter));
    return Outside();
  }
  op.name = Text(record, SectionType::kName);
  op.path = objects_.Path(op.dir, op.name);
  op.path2 = Text(record, SectionType::kTarget);
  if (record.done() && op.error == 0) return DecodeCreated(record, std::move(op));
  Emit(std::move(op));
}

void Decoder::DecodeLink(const RecordView& record) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  ObjectId dir = objects_.Find(record.fixed->dir2);
  bool failed = !record.done() || record.fixed->ret < 0;
  ObjectId object = failed ? Before(record) : objects_.Find(after);
  if (dir == kNoObject) {
    if (object != kNoObject && !failed) {
      Obstruct(Obstacle::Kind::kUnsupported,
               fmt::format("{} gives {} a name outside the judged directories ({})", Who(record),
                           objects_.Path(object), Text(record, SectionType::kPath2)));
    }
    return Outside();
  }
  Op op = NewOp(record, OpKind::kLink);
  op.dir = dir;
  op.name = Text(record, SectionType::kName2);
  op.path = objects_.Path(dir, op.name);
  op.object = object;
  op.path2 = object == kNoObject ? Text(record, SectionType::kPath) : objects_.Path(object);
  if (object == kNoObject && !failed) {
    return Obstruct(
        Obstacle::Kind::kUnsupported,
        fmt::format("{} links a file from outside the judged directories to {}", Who(record), op.path));
  }
  if (!failed) objects_.AddName(dir, op.name, object);
  Emit(std::move(op));
}

void Decoder::DecodeUnlink(const RecordView& record) {
  Op op = NewOp(record, OpKind::kUnlink);
  op.dir = objects_.Find(record.fixed->dir);
  if (op.dir == kNoObject) return Outside();
  op.name = Text(record, SectionType::kName);
  op.path = objects_.Path(op.dir, op.name);
  op.object = Before(record);
  if (record.done() && op.error == 0) {
    if (op.object == kNoObject) return Unseen(op.path);
    objects_.RemoveName(op.dir, op.name);
  }
  Emit(std::move(op));
}

void Decoder::DecodeMoveAcross(const RecordView& record, ObjectId dir, ObjectId dir2) {
  if (dir == kNoObject && dir2 == kNoObject) return Outside();
  if (!record.done() || record.fixed->ret < 0) return Outside();
  Obstruct(Obstacle::Kind::kUnsupported,
           dir == kNoObject ? fmt::format("{} moves {} into the judged directories", Who(record),
                                          Text(record, SectionType::kPath))
                            : fmt::format("{} moves {} out of the judged directories", Who(record),
                                          objects_.Path(dir, Text(record, SectionType::kName))));
}

void Decoder::DecodeRename(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  Op op = NewOp(record, OpKind::kRename);
  op.dir = objects_.Find(r.dir);
  op.dir2 = objects_.Find(r.dir2);
  if (op.dir == kNoObject || op.dir2 == kNoObject) return DecodeMoveAcross(record, op.dir, op.dir2);
  op.name = Text(record, SectionType::kName);
  op.name2 = Text(record, SectionType::kName2);
  op.path = objects_.Path(op.dir, op.name);
  op.path2 = objects_.Path(op.dir2, op.name2);
  op.object = Before(record);
  wire::FileState other = record.state(SectionType::kOtherBefore);
  op.replaced = objects_.Find(other);
  if ((r.mode_arg & RENAME_EXCHANGE) != 0) op.flags |= kFlagExchange;
  if ((r.mode_arg & RENAME_WHITEOUT) != 0) op.flags |= kFlagWhiteout;
  if (!record.done() || op.error != 0) return Emit(std::move(op));
  if (op.object == kNoObject) return Unseen(op.path);
  if (op.replaced == kNoObject && other.mode != 0) return Unseen(op.path2);
  if (op.object == op.replaced && (op.flags & kFlagExchange) == 0)
    return;  // two links of one file: rename(2) does nothing
  objects_.RemoveName(op.dir, op.name);
  objects_.AddName(op.dir2, op.name2, op.object);
  if ((op.flags & kFlagExchange) != 0) objects_.AddName(op.dir, op.name, op.replaced);
  if ((op.flags & kFlagWhiteout) != 0 && record.has(SectionType::kOtherAfter)) {
    wire::FileState whiteout = record.state(SectionType::kOtherAfter);
    op.extra = objects_.Create(whiteout);
    trace_->objects[static_cast<size_t>(op.extra)].created_by = static_cast<int32_t>(trace_->ops.size());
    objects_.AddName(op.dir, op.name, op.extra);
    Op attributes =
        NewOp(record, OpKind::kSetAttributes);  // A rename has no room for the mode of what it leaves behind.
    attributes.object = op.extra;
    attributes.path = op.path;
    attributes.mode = whiteout.mode & kPermissions;
    attributes.uid = whiteout.uid;
    attributes.gid = whiteout.gid;
    Known(op.extra) = {attributes.mode, attributes.uid, attributes.gid, "", 0};
    Emit(std::move(op));
    return Emit(std::move(attributes));
  }
  Emit(std::move(op));
}

void Decoder::DecodeMetadata(const RecordView& record) {
  const wire::Record& r = *record.fixed;
  ObjectId object = Before(record);
  if (object == kNoObject) return Outside();
  bool done = record.done() && r.ret >= 0;
  if (record.kind() == RecordKind::kSetAttributes) NoteAttributes(record, object, true);
  if (record.kind() == RecordKind::kSetTimes) {
    Op op = NewOp(record, OpKind::kSetTimes);
    op.object = object;
    op.path = objects_.Path(object);
    Emit(std::move(op));
    return NoteAttributes(record, object, false);
  }
  std::string key = Text(record, SectionType::kKey);
  if (key.empty()) return;
  std::string_view value = record.text(SectionType::kData);
  bool remove = record.kind() == RecordKind::kRemoveXattr || (r.flags & wire::kValueAbsent) != 0;
  if (done && key == kAccessAcl) {
    std::string& acl = Known(object).acl;
    bool same = acl == value && record.kind() == RecordKind::kSetAttributes;
    acl = remove ? "" : std::string(value);
    if (same) return;
  }
  Op op = NewOp(record, remove ? OpKind::kRemoveXattr : OpKind::kSetXattr);
  op.object = object;
  op.path = objects_.Path(object);
  op.key = key;
  if (!remove) {
    op.data = AddPayload(value);
    op.length = value.size();
  }
  Emit(std::move(op));
  if (done && record.kind() != RecordKind::kSetAttributes) NoteAttributes(record, object, false);
}

void Decoder::DecodeExit(const RecordView& record) {
  if (record.fixed->nr != SYS_exit_group || processes_.IndexOf(record.fixed->pid) != 0) return;
  Op op = NewOp(record, OpKind::kExit);
  op.error = 0;
  op.mode = static_cast<uint32_t>(record.fixed->args[0]) & 0xff;
  Emit(std::move(op));
}

void Decoder::DecodeMapShared(const RecordView& record) {
  ObjectId object = Before(record);
  if (object == kNoObject) return Outside();
  std::string path = objects_.Path(object);
  // SQLite's shared-memory index is rebuilt from the log; nobody expects it to survive (oracles.md 3).
  if (GlobMatches("*-shm", path)) return;
  Obstruct(Obstacle::Kind::kUnsupported,
           fmt::format("{} is mapped shared and writable by {}: stores to it cannot be recorded", path,
                       Who(record)));
}

void Decoder::DecodeUnsupported(const RecordView& record) {
  std::string reason = Text(record, SectionType::kReason);
  if (record.fixed->nr == SYS_execve) {
    processes_.Handle(record);
  } else if (!record.has(SectionType::kObjectBefore)) {
    Obstruct(Obstacle::Kind::kUnsupported, fmt::format("{} {}", Who(record), reason));
  } else if (ObjectId object = Before(record); object != kNoObject) {
    Obstruct(Obstacle::Kind::kUnsupported, fmt::format("{} {}", objects_.Path(object), reason));
  } else {
    Outside();
  }
}

void Decoder::DecodeRefused(const RecordView& record) {
  Obstruct(Obstacle::Kind::kRefused,
           fmt::format("{} would change {} ({}), outside the judged directory", Who(record),
                       Text(record, SectionType::kPath), SyscallName(record.fixed->nr)));
}

void Decoder::Decode(const RecordView& record) {
  switch (record.kind()) {
    case RecordKind::kProcessStart:
    case RecordKind::kForked:
    case RecordKind::kClone:
    case RecordKind::kExec:
    case RecordKind::kExecFailed:
    case RecordKind::kKilled:
      for (const auto& file : processes_.Handle(record)) NoteClosed(record, *file);
      return;
    case RecordKind::kOpen:
      return DecodeOpen(record);
    case RecordKind::kClose:
    case RecordKind::kCloseRange:
      return DecodeClose(record);
    case RecordKind::kDup:
    case RecordKind::kCloexec:
      return DecodeDup(record);
    case RecordKind::kWrite:
      return DecodeWrite(record);
    case RecordKind::kTruncate:
    case RecordKind::kAllocate:
      return DecodeResize(record);
    case RecordKind::kFsync:
    case RecordKind::kFdatasync:
    case RecordKind::kSyncFs:
    case RecordKind::kSyncAll:
    case RecordKind::kSyncRange:
    case RecordKind::kMsync:
      return DecodeSync(record);
    case RecordKind::kMakeNode:
      return DecodeMakeNode(record);
    case RecordKind::kLink:
      return DecodeLink(record);
    case RecordKind::kUnlink:
      return DecodeUnlink(record);
    case RecordKind::kRename:
      return DecodeRename(record);
    case RecordKind::kSetAttributes:
    case RecordKind::kSetXattr:
    case RecordKind::kRemoveXattr:
    case RecordKind::kSetTimes:
      return DecodeMetadata(record);
    case RecordKind::kOutput:
      return DecodeOutput(record, record.fixed->other_pid);
    case RecordKind::kExit:
      return DecodeExit(record);
    case RecordKind::kMapShared:
      return DecodeMapShared(record);
    case RecordKind::kUnsupported:
      return DecodeUnsupported(record);
    case RecordKind::kRefused:
      return DecodeRefused(record);
    case RecordKind::kPad:
    case RecordKind::kThreadStart:
    case RecordKind::kMapPrivate:
    case RecordKind::kCount:
      return;
  }
}

}  // namespace

Status DecodeRecording(const std::string& recording_path, const CapturedTree& old_tree, Trace* trace,
                       DecodeStatistics* statistics) {
  ASSIGN_OR_RETURN(RecordingFile file, RecordingFile::Open(recording_path));
  const wire::Header& header = file.header();
  RecordList list = ReadRecords(file.records(), file.records_size());
  DecodeStatistics ignored;
  if (statistics == nullptr) statistics = &ignored;
  statistics->records = list.records.size();
  statistics->calls = file.calls_seen();
  Decoder decoder(old_tree, header, trace, statistics);
  for (const RecordView& record : list.records) {
    if (!record.done()) statistics->in_flight++;
    decoder.Decode(record);
  }
  decoder.Finish();
  using Kind = Obstacle::Kind;
  if (header.overflowed != 0) {
    decoder.Obstruct(Kind::kIncomplete,
                     fmt::format("the run filled the whole recording ({})", ByteSize(header.size)));
  }
  if (header.unrecorded != 0) {
    decoder.Obstruct(Kind::kIncomplete,
                     fmt::format("{} could not be recorded in full", Count(header.unrecorded, "call")));
  }
  if (list.damaged_at != 0) {
    decoder.Obstruct(Kind::kIncomplete, fmt::format("the recording is damaged at byte {}", list.damaged_at));
  }
  return {};
}

}  // namespace oldornew
