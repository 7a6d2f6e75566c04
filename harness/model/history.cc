#include "model/history.h"

#include <algorithm>
#include <set>

namespace oldornew {

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

bool IsSyncCall(const Op& op) {
  return IsSync(op.kind) || (op.flags & (kFlagSync | kFlagDataSync));
}

bool Share(const Op& a, const Op& b) {
  // what is on disk when it returns depends on which came first
  if (IsSyncCall(a) || IsSyncCall(b)) return true;
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
          !IsSyncCall(ops[early]))
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
