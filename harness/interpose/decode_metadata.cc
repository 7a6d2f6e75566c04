// Records of modes, owners, times and extended attributes.
#include "interpose/decoding.h"
#include "tree/acl.h"

namespace oldornew {

using wire::RecordKind;
using wire::SectionType;

void NoteAttributes(Decoding& d, const RecordView& record, ObjectId object, bool always) {
  wire::FileState after = record.state(SectionType::kObjectAfter);
  KnownAttributes::Attributes& known = d.attributes.Known(object);
  if (after.mode == 0) {
    if (always) {  // failed, or in flight
      Op op = d.ops.NewOp(record, OpKind::kSetAttributes);
      op.object = object;
      op.path = d.objects.Path(object);
      d.ops.Emit(std::move(op));
    }
    return;
  }

  bool changed =
      known.mode != (after.mode & kPermissions) || known.uid != after.uid || known.gid != after.gid;
  if (changed || always) {
    Op op = d.ops.NewOp(record, OpKind::kSetAttributes);
    op.object = object;
    op.mode = after.mode & kPermissions;
    op.uid = after.uid;
    op.gid = after.gid;
    op.path = d.objects.Path(object);
    known.mode = op.mode;
    known.uid = op.uid;
    known.gid = op.gid;
    d.ops.Emit(std::move(op));
  }
}

namespace {

void EmitXattr(Decoding& d, const RecordView& record, ObjectId object, const std::string& key,
               const std::string& value) {
  Op op = d.ops.NewOp(record, OpKind::kSetXattr);
  op.object = object;
  op.path = d.objects.Path(object);
  op.key = key;
  op.data = d.ops.AddPayload(value);
  op.length = value.size();
  d.ops.Emit(std::move(op));
}

}  // namespace

void InheritAcl(Decoding& d, const RecordView& record, const Op& create) {
  FileKind kind = d.trace->objects[static_cast<size_t>(create.object)].kind;
  if (kind == FileKind::kSymlink) return;
  ObjectId dir = create.dir != kNoObject ? create.dir : d.objects.Find(record.fixed->dir);
  std::string default_acl = d.attributes.Known(dir).default_acl;
  std::string acl = InheritedAcl(default_acl, create.mode);
  if (!acl.empty()) {
    d.attributes.Known(create.object).acl = acl;
    EmitXattr(d, record, create.object, kAccessAcl, acl);
  }

  if (kind == FileKind::kDirectory) {
    d.attributes.Known(create.object).default_acl = default_acl;
    EmitXattr(d, record, create.object, kDefaultAcl, default_acl);
  }
}

void DecodeMetadata(Decoding& d, const RecordView& record) {
  const wire::Record& r = *record.fixed;
  ObjectId object = d.Before(record);
  if (object == kNoObject) return d.ops.Outside();
  bool done = record.done() && r.ret >= 0;
  if (record.kind() == RecordKind::kSetAttributes) NoteAttributes(d, record, object, true);
  if (record.kind() == RecordKind::kSetTimes) {
    Op op = d.ops.NewOp(record, OpKind::kSetTimes);
    op.object = object;
    op.path = d.objects.Path(object);
    d.ops.Emit(std::move(op));
    return NoteAttributes(d, record, object, false);
  }

  std::string key = Text(record, SectionType::kKey);
  if (key.empty()) return;
  std::string_view value = record.text(SectionType::kData);
  bool remove = record.kind() == RecordKind::kRemoveXattr || (r.flags & wire::kValueAbsent) != 0;
  if (done && key == kDefaultAcl)
    d.attributes.Known(object).default_acl = remove ? "" : std::string(value);
  if (done && key == kAccessAcl) {
    std::string& acl = d.attributes.Known(object).acl;
    bool same = acl == value && record.kind() == RecordKind::kSetAttributes;
    // An ACL that says no more than the mode is a chmod and nothing else (cp -p and Debian's sed -i
    // set such ones).
    if (acl.empty() && (r.flags & wire::kValueAbsent) != 0)
      return NoteAttributes(d, record, object, true);
    acl = remove ? "" : std::string(value);
    if (same) return;
  }

  Op op = d.ops.NewOp(record, remove ? OpKind::kRemoveXattr : OpKind::kSetXattr);
  op.object = object;
  op.path = d.objects.Path(object);
  op.key = key;
  if (!remove) {
    op.data = d.ops.AddPayload(value);
    op.length = value.size();
  }

  d.ops.Emit(std::move(op));
  if (done && record.kind() != RecordKind::kSetAttributes) NoteAttributes(d, record, object, false);
}

}  // namespace oldornew
