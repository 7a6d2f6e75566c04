// Building a Timeline: one walk over the ops, taking each apart as persistence-model.md 7.2 and
// 7.6.11 say.
#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/check.h"
#include "model/history.h"

namespace oldornew {
namespace {

PageRef PageWith(const PageRef& page, uint64_t within, std::string_view bytes) {
  char buffer[kPageSize] = {};
  if (page != nullptr) std::memcpy(buffer, page->bytes().data(), kPageSize);
  std::memcpy(buffer + within, bytes.data(), bytes.size());
  return MakePage({buffer, kPageSize});
}

PageRef PageZeroed(const PageRef& page, uint64_t from, uint64_t to) {
  if (page == nullptr) return page;
  return PageWith(page, from, std::string(to - from, '\0'));
}

bool SamePage(const PageRef& a, const PageRef& b) {
  return a == b || (a != nullptr && b != nullptr && a->digest() == b->digest());
}

const PageRef& Current(const PageLife& life) {
  return life.versions.empty() ? life.base : life.versions.back().page;
}

// Errors that mean "this data did not get to the disk" (section 4). EBADF, EINVAL, EROFS and the
// like did nothing at all.
bool LosesData(int error) { return error == EIO || error == ENOSPC || error == EDQUOT; }

}  // namespace

// Builds one Timeline by walking the ops once.
class TimelineBuilder {
 public:
  TimelineBuilder(Timeline* timeline, Grain grain, RuleSet rules)
      : t_(*timeline),
        trace_(*timeline->trace_),
        grain_(grain),
        rules_(rules),
        touched_(trace_.objects.size(), false) {}

  void Build(const std::vector<uint32_t>& order) {
    for (uint32_t index : order) {
      const Op& op = trace_.ops[index];
      op_ = index;
      if (OnDevice(op)) {
        if (op.error == 0) Apply(op);
        AddForce(op);
      }
      emitted_.insert(index);
      while (emitted_.count(returned_)) emitted_.erase(returned_++);
      if (forced_) {
        forced_ = false;
        first_point_ = returned_;
        begin_ = t_.last();
      }
    }
    returned_ = static_cast<uint32_t>(trace_.ops.size());
    CloseSegment();
    t_.forces_.insert(t_.forces_.end(), under_way_.begin(), under_way_.end());
    // A close that no group followed never becomes a constraint.
    FindQuiet();
  }

 private:
  bool OnDevice(const Op& op) const {
    if (op.kind == OpKind::kSyncAll) return true;
    if (op.kind == OpKind::kSyncFs && !rules_.Has(Rule::kDevices)) return true;
    const ObjectId object = op.object != kNoObject ? op.object : op.dir;
    return object != kNoObject &&
           trace_.objects[static_cast<size_t>(object)].disk.dev == t_.device_;
  }

  Position NewPosition() {
    t_.op_of_.push_back(op_);
    return t_.last();
  }

  Group& NewGroup() {
    Group group;
    group.pos = NewPosition();
    group.op = op_;
    for (auto& [object, index] : open_placements_) {
      FileHistory& file = t_.files_.at(object);
      file.placements[index].trigger = group.pos;
      file.events.push_back(group.pos);
    }
    open_placements_.clear();
    t_.groups_.push_back(std::move(group));
    return t_.groups_.back();
  }

  void TouchObject(Group* group, ObjectId object, Touch touch) {
    if (object == kNoObject) return;
    group->touches.emplace_back(object, touch);
    if (touch != Touch::kName) touched_[static_cast<size_t>(object)] = true;
  }

  FileKind KindOf(ObjectId object) const {
    return trace_.objects[static_cast<size_t>(object)].kind;
  }
  bool IsOld(ObjectId object) const { return static_cast<size_t>(object) < trace_.old_tree.size(); }

  void SetSlot(Group* group, ObjectId dir, const std::string& name, ObjectId object) {
    auto& by_name = t_.slots_of_[dir];
    auto [entry, fresh] = by_name.try_emplace(name, t_.slots_.size());
    if (fresh) {
      Slot slot;
      slot.dir = dir;
      slot.name = name;
      ObjectId before = kNoObject;
      if (IsOld(dir)) {
        const auto& entries = trace_.old_tree.at(dir).entries;
        if (auto old = entries.find(name); old != entries.end()) before = old->second;
      }
      slot.versions.push_back({0, 0, before});
      if (before != kNoObject) t_.names_of_[before].push_back(entry->second);
      t_.slots_.push_back(std::move(slot));
    }
    Slot& slot = t_.slots_[entry->second];
    slot.versions.push_back({group->pos, op_, object});
    group->slots.push_back(entry->second);
    if (object != kNoObject) {
      auto& names = t_.names_of_[object];
      if (std::find(names.begin(), names.end(), entry->second) == names.end())
        names.push_back(entry->second);
    }
  }

  void Apply(const Op& op) {
    switch (op.kind) {
      case OpKind::kCreate:
        return Create(op);
      case OpKind::kLink:
        return Link(op);
      case OpKind::kUnlink: {
        Group& group = NewGroup();
        TouchObject(&group, op.object, Touch::kName);
        TouchObject(&group, op.dir, Touch::kEntry);
        return SetSlot(&group, op.dir, op.name, kNoObject);
      }
      case OpKind::kRename:
        return Rename(op);
      case OpKind::kWrite:
        return Write(op);
      case OpKind::kTruncate:
        return Truncate(op.object, op.size_after);
      case OpKind::kAllocate:
        return Allocate(op);
      case OpKind::kSetAttributes: {
        Group& group = NewGroup();
        TouchObject(&group, op.object, Touch::kAttr);
        auto& attrs = AttrsOf(op.object);
        attrs.push_back({group.pos, op_, op.mode, op.uid, op.gid});
        return;
      }
      case OpKind::kSetXattr:
        return SetXattr(op, std::string(trace_.Payload(op)));
      case OpKind::kRemoveXattr:
        return SetXattr(op, std::nullopt);
      case OpKind::kClose:
        return Close(op);
      case OpKind::kSetTimes:
        if (!rules_.Has(Rule::kTimesForceNothing))
          TouchObject(&NewGroup(), op.object, Touch::kAttr);
        return;
      default:
        return;
    }
  }

  std::vector<AttrVersion>& AttrsOf(ObjectId object) {
    auto& attrs = t_.attrs_[object];
    if (attrs.empty() && IsOld(object)) {
      const Inode& inode = trace_.old_tree.at(object);
      attrs.push_back({0, 0, inode.mode, inode.uid, inode.gid});
    }
    return attrs;
  }

  void SetXattr(const Op& op, std::optional<std::string> value) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kXattr);
    auto& versions = t_.xattrs_[op.object][op.key];
    if (versions.empty()) {
      std::optional<std::string> before;
      if (IsOld(op.object)) {
        const auto& xattrs = trace_.old_tree.at(op.object).xattrs;
        if (auto old = xattrs.find(op.key); old != xattrs.end()) before = old->second;
      }
      versions.push_back({0, 0, before});
    }
    versions.push_back({group.pos, op_, std::move(value)});
  }

  void Create(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kNew);
    t_.created_[op.object] = group.pos;
    t_.attrs_[op.object].push_back({group.pos, op_, op.mode, op.uid, op.gid});
    if (op.dir == kNoObject) {
      t_.nameless_[op.object] = 0;
    } else {
      TouchObject(&group, op.dir, Touch::kEntry);
      SetSlot(&group, op.dir, op.name, op.object);
    }
    if (KindOf(op.object) == FileKind::kFile) {
      FileHistory& file = File(op.object);
      file.created = group.pos;
      file.events.push_back(group.pos);
    }
  }

  void Link(const Op& op) {
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kName);
    TouchObject(&group, op.dir, Touch::kEntry);
    SetSlot(&group, op.dir, op.name, op.object);
    if (auto born = t_.nameless_.find(op.object); born != t_.nameless_.end() && born->second == 0) {
      born->second = group.pos;
    }
  }

  void Rename(const Op& op) {
    const bool exchange = op.flags & kFlagExchange;
    // two links of one inode: rename(2) does nothing
    if (op.object == op.replaced && !exchange && rules_.Has(Rule::kSameInodeRename)) return;
    if (op.dir == op.dir2 && op.name == op.name2) return;
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kName);
    TouchObject(&group, op.replaced, Touch::kName);
    TouchObject(&group, op.dir, Touch::kEntry);
    TouchObject(&group, op.dir2, Touch::kEntry);
    ObjectId left_behind = exchange ? op.replaced : kNoObject;
    if ((op.flags & kFlagWhiteout) && op.extra != kNoObject) {
      left_behind = op.extra;
      TouchObject(&group, op.extra, Touch::kNew);
      t_.created_[op.extra] = group.pos;
      t_.attrs_[op.extra].push_back({group.pos, op_, Inode().mode, 0, 0});
    }
    const Position pos = group.pos;
    SetSlot(&group, op.dir, op.name, left_behind);
    group.moves_directory =
        KindOf(op.object) == FileKind::kDirectory ||
        (exchange && op.replaced != kNoObject && KindOf(op.replaced) == FileKind::kDirectory);
    SetSlot(rules_.Has(Rule::kAtomicGroup) ? &group : &NewGroup(), op.dir2, op.name2, op.object);
    const bool places =
        (op.replaced != kNoObject && !exchange) || !rules_.Has(Rule::kOnlyReplacePlaces);
    if (places && KindOf(op.object) == FileKind::kFile) {
      FileHistory& file = File(op.object);
      file.placements.push_back({pos, pos, false});
      file.events.push_back(pos);
    }
  }

  void Close(const Op& op) {
    if ((op.flags & kFlagOpenTruncate) == 0) return;
    FileHistory& file = File(op.object);
    open_placements_.emplace_back(op.object, file.placements.size());
    file.placements.push_back({kNeverDies, t_.last(), true});
  }

  FileHistory& File(ObjectId object) {
    auto [entry, fresh] = t_.files_.try_emplace(object);
    FileHistory& file = entry->second;
    if (fresh) {
      if (IsOld(object)) file.base = trace_.old_tree.at(object).content;
      file.live_size.emplace_back(0, file.base.size());
    }
    return file;
  }

  // The lives of a page, its life before the run included.
  static std::vector<PageLife>& Lives(FileHistory* file, uint64_t page) {
    auto [entry, fresh] = file->pages.try_emplace(page);
    if (fresh && page < file->base.pages().size()) {
      PageLife life;
      life.mapped = true;
      life.base = file->base.pages()[page];
      entry->second.push_back(std::move(life));
    }
    return entry->second;
  }

  static PageLife* Living(FileHistory* file, uint64_t page) {
    auto& lives = Lives(file, page);
    return lives.empty() || lives.back().dies != kNeverDies ? nullptr : &lives.back();
  }

  // The pages of one write call, split into data units.
  std::vector<std::pair<uint64_t, uint64_t>> Units(uint64_t offset, uint64_t end) const {
    std::vector<std::pair<uint64_t, uint64_t>> units;
    const uint64_t first_end = std::min(end, (offset / kPageSize + 1) * kPageSize);
    const uint64_t last_start = (end - 1) / kPageSize * kPageSize;
    if (!rules_.Has(Rule::kUnits)) return {{offset, end}};
    units.emplace_back(offset, first_end);
    if (grain_ == Grain::kCall) {
      if (first_end < last_start) units.emplace_back(first_end, last_start);
    } else {
      for (uint64_t at = first_end; at < last_start; at += kPageSize)
        units.emplace_back(at, at + kPageSize);
    }
    if (first_end < end) units.emplace_back(last_start, end);
    return units;
  }

  void Write(const Op& op) {
    if (op.length == 0) return;
    FileHistory& file = File(op.object);
    touched_[static_cast<size_t>(op.object)] = true;
    const std::string_view payload = trace_.Payload(op);
    for (auto [start, end] : Units(op.offset, op.offset + op.length)) {
      WriteStep step;
      step.pos = NewPosition();
      file.events.push_back(step.pos);
      step.op = op_;
      step.offset = start;
      step.end = end;
      step.size_before = file.live_size.back().second;
      step.size_after = std::max(step.size_before, end);
      for (uint64_t at = start; at < end;) {
        const uint64_t page = at / kPageSize;
        const uint64_t stop = std::min(end, (page + 1) * kPageSize);
        PageLife* life = Living(&file, page);
        if (life == nullptr) {
          life = &file.pages[page].emplace_back();
          life->born = step.pos;
        }
        life->versions.push_back(
            {step.pos, op_,
             PageWith(rules_.Has(Rule::kCumulative) ? Current(*life) : life->base, at % kPageSize,
                      payload.substr(at - op.offset, stop - at)),
             stop, false});
        at = stop;
      }
      file.writes.push_back(step);
      if (step.extends()) file.live_size.emplace_back(step.pos, step.size_after);
    }
  }

  void Drop(FileHistory* file, uint64_t page, Position pos) {
    if (PageLife* life = Living(file, page)) life->dies = pos;
  }

  void ZeroTail(FileHistory* file, uint64_t page, uint64_t from, uint64_t to, Position pos) {
    PageLife* life = Living(file, page);
    if (life == nullptr) return;
    PageRef zeroed = PageZeroed(Current(*life), from, to);
    if (!SamePage(zeroed, Current(*life))) life->versions.push_back({pos, op_, zeroed, 0, true});
  }

  void Truncate(ObjectId object, uint64_t size) {
    FileHistory& file = File(object);
    const uint64_t before = file.live_size.back().second;
    if (size == before) return;
    Group& group = NewGroup();
    TouchObject(&group, object, Touch::kSize);
    file.events.push_back(group.pos);
    if (size < before) {
      const uint64_t first_dropped = (size + kPageSize - 1) / kPageSize;
      for (uint64_t page = first_dropped; page < (before + kPageSize - 1) / kPageSize; ++page) {
        Drop(&file, page, group.pos);
      }
      if (size % kPageSize != 0 && rules_.Has(Rule::kZeroTail))
        ZeroTail(&file, size / kPageSize, size % kPageSize, kPageSize, group.pos);
    }
    file.sizes.push_back({group.pos, op_, size, size < before});
    file.live_size.emplace_back(group.pos, size);
  }

  // What each mode does to the bytes: fallocate(2).
  void Allocate(const Op& op) {
    FileHistory& file = File(op.object);
    const uint64_t before = file.live_size.back().second;
    Group& group = NewGroup();
    TouchObject(&group, op.object, Touch::kSize);
    const Position pos = group.pos;
    file.events.push_back(pos);
    if (!rules_.Has(Rule::kAllocateModes)) {
    } else if (op.mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
      Shift(&file, op, pos);
    } else if (op.mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
      const uint64_t end = std::min(op.offset + op.length, before);
      for (uint64_t at = op.offset; at < end;) {
        const uint64_t page = at / kPageSize;
        const uint64_t stop = std::min(end, (page + 1) * kPageSize);
        if (stop - at == kPageSize) {
          Drop(&file, page, pos);
        } else {
          ZeroTail(&file, page, at % kPageSize, stop - page * kPageSize, pos);
        }
        at = stop;
      }
    }
    if (op.size_after != before) {
      file.sizes.push_back({pos, op_, op.size_after, op.size_after < before});
      file.live_size.emplace_back(pos, op.size_after);
    }
  }

  // Collapse and insert write back what is dirty and then move blocks in one transaction: the moved
  // pages start new lives with the bytes they have.
  static void Shift(FileHistory* file, const Op& op, Position pos) {
    const uint64_t size = file->live_size.back().second;
    const uint64_t pages = (size + kPageSize - 1) / kPageSize;
    std::vector<PageRef> now(pages);
    for (uint64_t page = 0; page < pages; ++page) {
      if (PageLife* life = Living(file, page)) now[page] = Current(*life);
    }
    const auto at = static_cast<std::ptrdiff_t>(op.offset / kPageSize);
    const auto count = static_cast<std::ptrdiff_t>(op.length / kPageSize);
    if (op.mode & FALLOC_FL_COLLAPSE_RANGE) {
      now.erase(now.begin() + at,
                now.begin() + std::min<std::ptrdiff_t>(at + count, std::ssize(now)));
    } else {
      now.insert(now.begin() + at, static_cast<size_t>(count), nullptr);
    }
    for (uint64_t page = op.offset / kPageSize; page < std::max<uint64_t>(pages, now.size());
         ++page) {
      if (PageLife* life = Living(file, page)) life->dies = pos;
      if (page >= now.size() || now[page] == nullptr) continue;
      PageLife life;
      life.born = pos;
      life.mapped = true;
      life.base = now[page];
      file->pages[page].push_back(std::move(life));
    }
  }

  void CloseSegment() {
    Segment segment;
    segment.begin = begin_;
    segment.end = t_.last();
    segment.first_point = first_point_;
    segment.last_point = std::max(first_point_, returned_);
    segment.forces = t_.forces_.size();
    t_.segments_.push_back(segment);
  }

  bool IsForce(const Op& op) const {
    switch (op.kind) {
      case OpKind::kFsync:
      case OpKind::kFdatasync:
      case OpKind::kSyncFs:
      case OpKind::kSyncAll:
        return op.error == 0 || LosesData(op.error);
      case OpKind::kClose:  // without an error it forces nothing
        return LosesData(op.error) && rules_.Has(Rule::kFailedClose);
      case OpKind::kSyncRange:
        return op.error == 0 && !rules_.Has(Rule::kRangeSyncForcesNothing);
      case OpKind::kWrite:
        return op.error == 0 && (op.flags & (kFlagSync | kFlagDataSync)) && op.length > 0;
      default:
        return false;
    }
  }

  void AddForce(const Op& op) {
    if (!IsForce(op)) return;
    Force force;
    force.op = op_;
    force.pos = t_.last();
    force.object = op.object;
    const bool close = op.kind == OpKind::kClose;
    force.kind = op.kind == OpKind::kSyncRange || close ? OpKind::kFsync : op.kind;
    force.failed = close || (op.error != 0 && rules_.Has(Rule::kFailedSync));
    if (op.kind == OpKind::kWrite) {
      force.kind = op.flags & kFlagSync ? OpKind::kFsync : OpKind::kFdatasync;
      force.ranged = true;
      force.offset = op.offset;
      force.end = op.offset + op.length;
    }
    if ((op.flags & kFlagInFlight) && rules_.Has(Rule::kInFlight)) {
      under_way_.push_back(force);  // it never returned: nothing is known to be forced by it
      return;
    }
    CloseSegment();
    t_.forces_.push_back(force);
    forced_ = true;
    AddDataForce(force);
  }

  void AddDataForce(const Force& force) {
    DataForce data;
    data.segment = static_cast<uint32_t>(t_.segments_.size());
    data.pos = force.pos;
    data.failed = force.failed;
    if (force.ranged) {
      data.first_page = force.offset / kPageSize;
      data.last_page = (force.end - 1) / kPageSize;
      data.end = force.end;
    }
    const bool everything = force.kind == OpKind::kSyncFs || force.kind == OpKind::kSyncAll ||
                            !rules_.Has(Rule::kOthersFloat);
    if (everything) {
      for (auto& [object, file] : t_.files_) file.forces.push_back(data);
    } else if (auto file = t_.files_.find(force.object); file != t_.files_.end()) {
      file->second.forces.push_back(data);
    }
  }

  void FindQuiet() {
    const FileTree& old_tree = trace_.old_tree;
    t_.quiet_.assign(trace_.objects.size(), false);
    std::vector<char> state(old_tree.size(), 0);  // 0 new, 1 open, 2 done
    for (size_t start = 0; start < old_tree.size(); ++start) {
      std::vector<size_t> stack = {start};
      while (!stack.empty()) {
        const size_t at = stack.back();
        const Inode& inode = old_tree.at(static_cast<InodeIndex>(at));
        if (state[at] == 0) {
          state[at] = 1;
          for (const auto& [name, child] : inode.entries) {
            if (state[static_cast<size_t>(child)] == 0) stack.push_back(static_cast<size_t>(child));
          }
          continue;
        }
        stack.pop_back();
        if (state[at] == 2) continue;
        state[at] = 2;
        bool quiet = !touched_[at];
        for (const auto& [name, child] : inode.entries)
          quiet = quiet && t_.quiet_[static_cast<size_t>(child)];
        t_.quiet_[at] = quiet;
        const auto dir = static_cast<ObjectId>(at);
        for (const auto& [name, child] : inode.entries) {
          if (!quiet && !t_.InBundle(dir, name, child)) t_.lively_[dir].emplace_back(name, child);
        }
      }
    }
  }

  Timeline& t_;
  const Trace& trace_;
  Grain grain_;
  RuleSet rules_;
  uint32_t op_ = 0;
  std::vector<bool> touched_;
  std::vector<std::pair<ObjectId, size_t>> open_placements_;
  std::set<uint32_t> emitted_;
  uint32_t returned_ = 0;  // ops [0, returned_) have all been walked
  uint32_t first_point_ = 0;
  Position begin_ = 0;
  bool forced_ = false;
  std::vector<Force> under_way_;
};

Timeline::Timeline(const Trace& trace, uint64_t device, const std::vector<uint32_t>& order,
                   Grain grain, RuleSet rules)
    : trace_(&trace), device_(device) {
  TimelineBuilder(this, grain, rules).Build(order);
}

}  // namespace oldornew
