// Records of names.
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/text.h"
#include "interpose/decoding.h"

namespace oldornew {

using wire::SectionType;

void DecodeMakeNode(Decoding& d, const RecordView& record) {
  Op op = d.ops.NewOp(record, OpKind::kCreate);
  op.dir = d.objects.Find(record.fixed->dir);
  if (op.dir == kNoObject) {
    if (record.has(SectionType::kObjectAfter))
      d.objects.Forget(record.state(SectionType::kObjectAfter));
    return d.ops.Outside();
  }

  op.name = Text(record, SectionType::kName);
  op.path = d.objects.Path(op.dir, op.name);
  op.path2 = Text(record, SectionType::kTarget);
  if (record.done() && op.error == 0) return DecodeCreated(d, record, std::move(op));
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
    NameInFlight(d, type, type == S_IFLNK ? 0777 : mode, &op);
  }

  d.ops.Emit(std::move(op));
}

void DecodeLink(Decoding& d, const RecordView& record) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  ObjectId dir = d.objects.Find(record.fixed->dir2);
  bool failed = !record.done() || record.fixed->ret < 0;
  ObjectId object = failed ? d.Before(record) : d.objects.Find(after);
  if (dir == kNoObject) {
    if (object != kNoObject && !failed) {
      d.ops.Obstruct(
          Obstacle::Kind::kUnsupported,
          fmt::format("{} gives {} a name outside the judged directories ({})", d.ops.Who(record),
                      d.objects.Path(object), Text(record, SectionType::kPath2)));
    }
    return d.ops.Outside();
  }

  Op op = d.ops.NewOp(record, OpKind::kLink);
  op.dir = dir;
  op.name = Text(record, SectionType::kName2);
  op.path = d.objects.Path(dir, op.name);
  op.object = object;
  op.path2 = object == kNoObject ? Text(record, SectionType::kPath) : d.objects.Path(object);
  if (object == kNoObject && !failed) {
    return d.ops.Obstruct(Obstacle::Kind::kUnsupported,
                          fmt::format("{} links a file from outside the judged directories to {}",
                                      d.ops.Who(record), op.path));
  }

  if (!failed) d.objects.AddName(dir, op.name, object);
  d.ops.Emit(std::move(op));
}

void DecodeUnlink(Decoding& d, const RecordView& record) {
  Op op = d.ops.NewOp(record, OpKind::kUnlink);
  op.dir = d.objects.Find(record.fixed->dir);
  if (op.dir == kNoObject) return d.ops.Outside();
  op.name = Text(record, SectionType::kName);
  op.path = d.objects.Path(op.dir, op.name);
  op.object = d.Before(record);
  if (record.done() && op.error == 0) {
    if (op.object == kNoObject) return d.ops.Unseen(op.path);
    d.objects.RemoveName(op.dir, op.name);
  }

  d.ops.Emit(std::move(op));
}

namespace {

void DecodeMoveAcross(Decoding& d, const RecordView& record, ObjectId dir, ObjectId dir2) {
  if (dir == kNoObject && dir2 == kNoObject) return d.ops.Outside();
  if (!record.done() || record.fixed->ret < 0) return d.ops.Outside();
  d.ops.Obstruct(Obstacle::Kind::kUnsupported,
                 dir == kNoObject
                     ? fmt::format("{} moves {} into the judged directories", d.ops.Who(record),
                                   Text(record, SectionType::kPath))
                     : fmt::format("{} moves {} out of the judged directories", d.ops.Who(record),
                                   d.objects.Path(dir, Text(record, SectionType::kName))));
}

}  // namespace

void DecodeRename(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;

  Op op = d.ops.NewOp(record, OpKind::kRename);
  op.dir = d.objects.Find(r.dir);
  op.dir2 = d.objects.Find(r.dir2);
  if (op.dir == kNoObject || op.dir2 == kNoObject)
    return DecodeMoveAcross(d, record, op.dir, op.dir2);
  op.name = Text(record, SectionType::kName);
  op.name2 = Text(record, SectionType::kName2);
  op.path = d.objects.Path(op.dir, op.name);
  op.path2 = d.objects.Path(op.dir2, op.name2);
  op.object = d.Before(record);
  wire::FileState other = record.state(SectionType::kOtherBefore);
  op.replaced = d.objects.Find(other);
  if ((r.mode_arg & RENAME_EXCHANGE) != 0) op.flags |= kFlagExchange;
  if ((r.mode_arg & RENAME_WHITEOUT) != 0) op.flags |= kFlagWhiteout;
  if (!record.done() || op.error != 0) return d.ops.Emit(std::move(op));
  if (op.object == kNoObject) return d.ops.Unseen(op.path);
  if (op.replaced == kNoObject && other.mode != 0) return d.ops.Unseen(op.path2);

  // two links of one file: rename(2) does nothing
  if (op.object == op.replaced && (op.flags & kFlagExchange) == 0) return;
  d.objects.RemoveName(op.dir, op.name);
  d.objects.AddName(op.dir2, op.name2, op.object);
  if ((op.flags & kFlagExchange) != 0) d.objects.AddName(op.dir, op.name, op.replaced);
  if ((op.flags & kFlagWhiteout) != 0 && record.has(SectionType::kOtherAfter)) {
    wire::FileState whiteout = record.state(SectionType::kOtherAfter);
    op.extra = d.objects.Create(whiteout);
    d.trace->objects[static_cast<size_t>(op.extra)].created_by =
        static_cast<int32_t>(d.trace->ops.size());
    d.objects.AddName(op.dir, op.name, op.extra);
    // A rename has no room for the mode of what it leaves behind.
    Op attributes = d.ops.NewOp(record, OpKind::kSetAttributes);
    attributes.object = op.extra;
    attributes.path = op.path;
    attributes.mode = whiteout.mode & kPermissions;
    attributes.uid = whiteout.uid;
    attributes.gid = whiteout.gid;
    d.attributes.Known(op.extra) = {attributes.mode, attributes.uid, attributes.gid, "", "", 0};
    d.ops.Emit(std::move(op));
    return d.ops.Emit(std::move(attributes));
  }

  d.ops.Emit(std::move(op));
}

}  // namespace oldornew
