#include "model/history.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace oldornew {
namespace {

// Index of the last entry whose position is <= cut. REQUIRES: the first entry's position is <= cut.
template <typename Entry>
size_t LastAt(const std::vector<Entry>& entries, Position cut) {
  auto after = std::upper_bound(entries.begin(), entries.end(), cut,
                                [](Position p, const Entry& e) { return p < e.pos; });
  CHECK(after != entries.begin());
  return static_cast<size_t>(after - entries.begin()) - 1;
}

}  // namespace

uint64_t FileHistory::LiveSize(Position cut) const {
  auto after = std::upper_bound(live_size.begin(), live_size.end(), cut,
                                [](Position p, const auto& entry) { return p < entry.first; });
  return after == live_size.begin() ? 0 : std::prev(after)->second;
}

size_t Slot::IndexAt(Position cut) const { return LastAt(versions, cut); }

uint32_t Timeline::PointOf(Position pos, const Segment& segment) const {
  if (pos == 0) return segment.first_point;
  return std::clamp(OpOf(pos) + 1, segment.first_point, segment.last_point);
}

const std::map<std::string, size_t>* Timeline::SlotsOf(ObjectId dir) const {
  auto found = slots_of_.find(dir);
  return found == slots_of_.end() ? nullptr : &found->second;
}

bool Timeline::InBundle(ObjectId dir, const std::string& name, ObjectId child) const {
  if (!Quiet(child)) return false;
  const auto* changed = SlotsOf(dir);
  return changed == nullptr || !changed->count(name);
}

const std::vector<std::pair<std::string, ObjectId>>& Timeline::Lively(ObjectId dir) const {
  static const std::vector<std::pair<std::string, ObjectId>> none;
  auto found = lively_.find(dir);
  return found == lively_.end() ? none : found->second;
}

const FileHistory* Timeline::File(ObjectId object) const {
  auto found = files_.find(object);
  return found == files_.end() ? nullptr : &found->second;
}

const std::vector<size_t>& Timeline::NamesOf(ObjectId object) const {
  static const std::vector<size_t> none;
  auto found = names_of_.find(object);
  return found == names_of_.end() ? none : found->second;
}

const std::vector<AttrVersion>* Timeline::AttrsOf(ObjectId object) const {
  auto found = attrs_.find(object);
  return found == attrs_.end() ? nullptr : &found->second;
}

const std::map<std::string, std::vector<XattrVersion>>* Timeline::XattrsOf(ObjectId object) const {
  auto found = xattrs_.find(object);
  return found == xattrs_.end() ? nullptr : &found->second;
}

Attributes Timeline::AttributesAt(ObjectId object, Position cut) const {
  Attributes out;
  if (static_cast<size_t>(object) < trace_->old_tree.size()) {
    const Inode& inode = trace_->old_tree.at(object);
    out = {inode.mode, inode.uid, inode.gid, inode.xattrs};
  }
  if (const auto* attrs = AttrsOf(object)) {
    // An inode that is on disk has at least the attributes it was made with.
    const AttrVersion& at = (*attrs)[LastAt(*attrs, std::max(cut, attrs->front().pos))];
    out.mode = at.mode;
    out.uid = at.uid;
    out.gid = at.gid;
  }
  if (const auto* keys = XattrsOf(object)) {
    for (const auto& [key, versions] : *keys) {
      const auto& value = versions[LastAt(versions, cut)].value;
      out.xattrs.erase(key);
      if (value) out.xattrs[key] = *value;
    }
  }
  return out;
}

Position Timeline::CreatedAt(ObjectId object) const {
  auto found = created_.find(object);
  return found == created_.end() ? 0 : found->second;
}

Position Timeline::FirstLinkOfNameless(ObjectId object) const {
  auto found = nameless_.find(object);
  return found == nameless_.end() ? 0 : found->second;
}

History::History(const Trace& trace, Grain grain, size_t max_orders, RuleSet rules)
    : trace_(trace), grain_(grain) {
  std::set<uint64_t> devices;
  for (const Object& object : trace.objects) devices.insert(object.disk.dev);
  devices_.assign(devices.begin(), devices.end());
  if (!rules.Has(Rule::kOrders)) max_orders = 1;
  const auto orders = OrdersOf(trace, max_orders, &all_orders_);
  orders_ = orders.size();
  for (const auto& order : orders) {
    auto& row = timelines_.emplace_back();
    for (uint64_t device : devices_)
      row.push_back(std::make_unique<Timeline>(trace, device, order, grain, rules));
  }
}

uint64_t History::DeviceOf(ObjectId object) const {
  return trace_.objects[static_cast<size_t>(object)].disk.dev;
}

namespace {

bool HasEffect(const Op& op) {
  return op.kind != OpKind::kOutput && op.kind != OpKind::kExit && op.kind != OpKind::kSetTimes &&
         op.kind != OpKind::kSyncRange &&
         (op.error == 0 || op.kind == OpKind::kFsync || op.kind == OpKind::kFdatasync);
}

bool Forces(const Op& op) { return IsSync(op.kind) || (op.flags & (kFlagSync | kFlagDataSync)); }

bool Share(const Op& a, const Op& b) {
  // what is on disk when it returns depends on which came first
  if (Forces(a) || Forces(b)) return true;
  const ObjectId of_a[] = {a.object, a.dir, a.dir2, a.replaced};
  const ObjectId of_b[] = {b.object, b.dir, b.dir2, b.replaced};
  for (ObjectId x : of_a) {
    for (ObjectId y : of_b) {
      if (x != kNoObject && x == y) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::vector<uint32_t>> OrdersOf(const Trace& trace, size_t limit, bool* all) {
  *all = true;
  const auto& ops = trace.ops;
  std::vector<uint32_t> ticket(ops.size());
  for (uint32_t i = 0; i < ticket.size(); ++i) ticket[i] = i;
  std::vector<std::vector<uint32_t>> orders = {ticket};
  for (uint32_t early = 0; early < ops.size(); ++early) {
    if (!HasEffect(ops[early]) || ops[early].end == 0) continue;
    for (uint32_t late = early + 1; late < ops.size(); ++late) {
      const bool overlap = ops[late].begin < ops[early].end;
      if (!overlap || !HasEffect(ops[late]) || !Share(ops[early], ops[late])) continue;
      if ((ops[late].flags & kFlagInFlight) && ops[late].end == 0 && late == early + 1 &&
          !Forces(ops[early]))
        continue;
      // Moving `late` before `early` must not move it before an op that had returned when it began.
      if (orders.size() == limit) {
        *all = false;
        return orders;
      }
      std::vector<uint32_t> order = ticket;
      order.erase(order.begin() + late);
      order.insert(order.begin() + early, late);
      orders.push_back(std::move(order));
    }
  }
  return orders;
}

}  // namespace oldornew
