#include "model/timeline.h"

#include <algorithm>

namespace oldornew {
namespace {

// Walks the ops once and takes each apart as model.md, section 3, says: which group it is, and what
// that does to names and data.
class TimelineBuilder {
 public:
  TimelineBuilder(const Trace& trace, uint64_t device, Grain grain, RuleSet rules)
      : trace_(trace),
        device_(device),
        rules_(rules),
        parts_{{}, NameTimelines(trace), DataTimelines(trace, grain, rules), Forces(rules), {}},
        touched_(trace.objects.size(), false) {}

  TimelineParts Build(const std::vector<uint32_t>& order) {
    for (uint32_t index : order) {
      const Op& op = trace_.ops[index];
      index_ = index;
      if (OnDevice(op)) {
        if (op.error == 0) Apply(op);
        AddForce(op);
      }
      parts_.forces.Walked(index, parts_.changes.last());
    }

    parts_.forces.Finish(static_cast<uint32_t>(trace_.ops.size()), parts_.changes.last());
    parts_.untouched = Untouched(trace_, touched_, parts_.names);
    return std::move(parts_);
  }

 private:
  bool OnDevice(const Op& op) const {
    if (op.kind == OpKind::kSyncAll) return true;
    if (op.kind == OpKind::kSyncFs && !rules_.Has(Rule::kDevices)) return true;
    const ObjectId object = op.object != kNoObject ? op.object : op.dir;
    return object != kNoObject && trace_.objects[static_cast<size_t>(object)].disk.dev == device_;
  }

  void AddForce(const Op& op) {
    const auto force = parts_.forces.Add(op, index_, parts_.changes.last());
    if (!force) return;
    const size_t segment = parts_.forces.segments().size();  // holds from the next one on
    parts_.data.AddForce(*force, static_cast<uint32_t>(segment));
  }

  Group& NewGroup() {
    Group& group = parts_.changes.NewGroup(index_);
    parts_.data.GroupComes(group.pos);
    return group;
  }

  void TouchObject(Group* group, ObjectId object, Touch touch) {
    if (object == kNoObject) return;
    group->touches.emplace_back(object, touch);
    if (touch != Touch::kName) touched_[static_cast<size_t>(object)] = true;
  }

  FileKind KindOf(ObjectId object) const {
    return trace_.objects[static_cast<size_t>(object)].kind;
  }

  void Apply(const Op& op) {
    switch (op.kind) {
      case OpKind::kCreate:
        return Create(op);
      case OpKind::kLink:
        return Link(op);
      case OpKind::kUnlink:
        return Unlink(op);
      case OpKind::kRename:
        return Rename(op);
      case OpKind::kWrite:
        return Write(op);
      case OpKind::kTruncate:
        return Truncate(op);
      case OpKind::kAllocate:
        return Allocate(op);
      case OpKind::kSetAttributes:
        return SetAttributes(op);
      case OpKind::kSetXattr:
        return SetXattr(op, std::string(trace_.Payload(op)));
      case OpKind::kRemoveXattr:
        return SetXattr(op, std::nullopt);
      case OpKind::kClose:
        if (op.flags & kFlagOpenTruncate)
          parts_.data.PlaceAtClose(op.object, parts_.changes.last());
        return;
      case OpKind::kSetTimes:
        if (!rules_.Has(Rule::kTimesForceNothing))
          TouchObject(&NewGroup(), op.object, Touch::kAttr);
        return;
      default:
        return;
    }
  }

  void Create(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kNew);
    parts_.names.Create(op.object, {group.pos, index_, op.mode, op.uid, op.gid});

    if (op.dir == kNoObject) {
      parts_.names.CreatedNameless(op.object);
    } else {
      TouchObject(&group, op.dir, Touch::kEntry);
      parts_.names.SetSlot(&group, op.dir, op.name, op.object);
    }

    if (KindOf(op.object) == FileKind::kFile) parts_.data.Create(op.object, group.pos);
  }

  void Link(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kName);
    TouchObject(&group, op.dir, Touch::kEntry);
    parts_.names.SetSlot(&group, op.dir, op.name, op.object);
    parts_.names.Linked(op.object, group.pos);
  }

  void Unlink(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kName);
    TouchObject(&group, op.dir, Touch::kEntry);
    parts_.names.SetSlot(&group, op.dir, op.name, kNoObject);
  }

  void Rename(const Op& op) {
    const bool exchange = op.flags & kFlagExchange;

    // two links of one inode: rename(2) does nothing
    if (op.object == op.replaced && !exchange && rules_.Has(Rule::kSameInodeRename)) return;
    if (op.dir == op.dir2 && op.name == op.name2) return;

    Group& group = NewGroup();
    const Position pos = group.pos;
    TouchObject(&group, op.object, Touch::kName);
    TouchObject(&group, op.replaced, Touch::kName);
    TouchObject(&group, op.dir, Touch::kEntry);
    TouchObject(&group, op.dir2, Touch::kEntry);

    // What the old name holds afterwards.
    ObjectId left_behind = exchange ? op.replaced : kNoObject;
    if ((op.flags & kFlagWhiteout) && op.extra != kNoObject) {
      left_behind = op.extra;
      TouchObject(&group, op.extra, Touch::kNew);
      parts_.names.Create(op.extra, {pos, index_, Inode().mode, 0, 0});
    }

    parts_.names.SetSlot(&group, op.dir, op.name, left_behind);
    group.moves_directory =
        KindOf(op.object) == FileKind::kDirectory ||
        (exchange && op.replaced != kNoObject && KindOf(op.replaced) == FileKind::kDirectory);

    // `group` does not outlive a second NewGroup().
    Group* second = rules_.Has(Rule::kAtomicGroup) ? &group : &NewGroup();
    parts_.names.SetSlot(second, op.dir2, op.name2, op.object);

    const bool places =
        (op.replaced != kNoObject && !exchange) || !rules_.Has(Rule::kOnlyReplacePlaces);
    if (places && KindOf(op.object) == FileKind::kFile) parts_.data.PlaceAtRename(op.object, pos);
  }

  void Write(const Op& op) {
    if (op.length == 0) return;
    touched_[static_cast<size_t>(op.object)] = true;
    parts_.data.Write(op, index_, &parts_.changes);
  }

  void Truncate(const Op& op) {
    if (op.size_after == parts_.data.LiveSize(op.object)) return;
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kSize);
    parts_.data.Truncate(op.object, op.size_after, group.pos, index_);
  }

  void Allocate(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kSize);
    parts_.data.Allocate(op, group.pos, index_);
  }

  void SetAttributes(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kAttr);
    parts_.names.SetAttributes(op.object, {group.pos, index_, op.mode, op.uid, op.gid});
  }

  void SetXattr(const Op& op, std::optional<std::string> value) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kXattr);
    parts_.names.SetXattr(op.object, op.key, {group.pos, index_, std::move(value)});
  }

  const Trace& trace_;
  const uint64_t device_;
  const RuleSet rules_;
  TimelineParts parts_;
  std::vector<bool> touched_;  // by object: something of it other than its names changed
  uint32_t index_ = 0;         // of the op that is being walked
};

}  // namespace

Timeline::Timeline(const Trace& trace, uint64_t device, const std::vector<uint32_t>& order,
                   Grain grain, RuleSet rules)
    : trace_(&trace),
      device_(device),
      parts_(TimelineBuilder(trace, device, grain, rules).Build(order)) {}

uint32_t Timeline::PointOf(Position pos, const Segment& segment) const {
  if (pos == 0) return segment.first_point;
  return std::clamp(changes().OpOf(pos) + 1, segment.first_point, segment.last_point);
}

bool Timeline::InBundle(ObjectId dir, const std::string& name, ObjectId child) const {
  return Quiet(child) && !names().Changed(dir, name);
}

}  // namespace oldornew
