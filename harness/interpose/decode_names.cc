// Records of names and metadata.
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "interpose/decoder.h"
#include "tree/acl.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

void Decoder::DecodeMakeNode(const RecordView& record) {
  Op op = NewOp(record, OpKind::kCreate);
  op.dir = objects_.Find(record.fixed->dir);
  if (op.dir == kNoObject) {
    if (record.has(SectionType::kObjectAfter))
      objects_.Forget(record.state(SectionType::kObjectAfter));
    return Outside();
  }
  op.name = Text(record, SectionType::kName);
  op.path = objects_.Path(op.dir, op.name);
  op.path2 = Text(record, SectionType::kTarget);
  if (record.done() && op.error == 0) return DecodeCreated(record, std::move(op));
  if (!record.done()) {
    const wire::Record& r = *record.fixed;
    const bool directory = r.nr == SYS_mkdir || r.nr == SYS_mkdirat;
    const bool node = r.nr == SYS_mknod || r.nr == SYS_mknodat;
    const auto mode =
        static_cast<uint32_t>(r.args[r.nr == SYS_mkdirat || r.nr == SYS_mknodat ? 2 : 1]);
    const uint32_t type = directory          ? S_IFDIR
                          : node             ? (mode & S_IFMT)
                          : r.nr == SYS_bind ? S_IFSOCK
                                             : S_IFLNK;
    NameInFlight(type, type == S_IFLNK ? 0777 : mode, &op);
  }
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
    return Obstruct(Obstacle::Kind::kUnsupported,
                    fmt::format("{} links a file from outside the judged directories to {}",
                                Who(record), op.path));
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
  // two links of one file: rename(2) does nothing
  if (op.object == op.replaced && (op.flags & kFlagExchange) == 0) return;
  objects_.RemoveName(op.dir, op.name);
  objects_.AddName(op.dir2, op.name2, op.object);
  if ((op.flags & kFlagExchange) != 0) objects_.AddName(op.dir, op.name, op.replaced);
  if ((op.flags & kFlagWhiteout) != 0 && record.has(SectionType::kOtherAfter)) {
    wire::FileState whiteout = record.state(SectionType::kOtherAfter);
    op.extra = objects_.Create(whiteout);
    trace_->objects[static_cast<size_t>(op.extra)].created_by =
        static_cast<int32_t>(trace_->ops.size());
    objects_.AddName(op.dir, op.name, op.extra);
    // A rename has no room for the mode of what it leaves behind.
    Op attributes = NewOp(record, OpKind::kSetAttributes);
    attributes.object = op.extra;
    attributes.path = op.path;
    attributes.mode = whiteout.mode & kPermissions;
    attributes.uid = whiteout.uid;
    attributes.gid = whiteout.gid;
    Known(op.extra) = {attributes.mode, attributes.uid, attributes.gid, "", "", 0};
    Emit(std::move(op));
    return Emit(std::move(attributes));
  }
  Emit(std::move(op));
}

void Decoder::EmitXattr(const RecordView& record, ObjectId object, const std::string& key,
                        const std::string& value) {
  Op op = NewOp(record, OpKind::kSetXattr);
  op.object = object;
  op.path = objects_.Path(object);
  op.key = key;
  op.data = AddPayload(value);
  op.length = value.size();
  Emit(std::move(op));
}

void Decoder::InheritAcl(const RecordView& record, const Op& create) {
  FileKind kind = trace_->objects[static_cast<size_t>(create.object)].kind;
  if (kind == FileKind::kSymlink) return;
  ObjectId dir = create.dir != kNoObject ? create.dir : objects_.Find(record.fixed->dir);
  std::string default_acl = Known(dir).default_acl;
  std::string acl = InheritedAcl(default_acl, create.mode);
  if (!acl.empty()) {
    Known(create.object).acl = acl;
    EmitXattr(record, create.object, kAccessAcl, acl);
  }
  if (kind == FileKind::kDirectory) {
    Known(create.object).default_acl = default_acl;
    EmitXattr(record, create.object, kDefaultAcl, default_acl);
  }
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
  if (done && key == kDefaultAcl) Known(object).default_acl = remove ? "" : std::string(value);
  if (done && key == kAccessAcl) {
    std::string& acl = Known(object).acl;
    bool same = acl == value && record.kind() == RecordKind::kSetAttributes;
    // An ACL that says no more than the mode is a chmod and nothing else (cp -p and Debian's sed -i
    // set such ones).
    if (acl.empty() && (r.flags & wire::kValueAbsent) != 0)
      return NoteAttributes(record, object, true);
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

}  // namespace oldornew
