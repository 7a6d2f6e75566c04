// History: a Trace taken apart into micro-ops (model.md, section 3), the same for every profile: a
// Timeline for each file system, and for each order of overlapping ops that is tried.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/rules.h"
#include "model/space.h"
#include "model/timeline.h"
#include "trace/trace.h"

namespace oldornew {

/// All timelines of a trace: one for each device, and for each order of overlapping ops that is
/// tried.
class History {
 public:
  /// `trace` must outlive this.
  explicit History(const Trace& trace, Grain grain = Grain::kCall, size_t max_orders = 32,
                   RuleSet rules = {});
  const Trace& trace() const { return trace_; }
  Grain grain() const { return grain_; }
  const std::vector<uint64_t>& devices() const { return devices_; }
  uint64_t DeviceOf(ObjectId object) const;
  size_t orders() const { return orders_; }
  bool all_orders() const { return all_orders_; }
  /// timelines()[order][index of device]
  const std::vector<std::vector<std::unique_ptr<Timeline>>>& timelines() const {
    return timelines_;
  }

 private:
  const Trace& trace_;
  Grain grain_;
  std::vector<uint64_t> devices_;
  size_t orders_ = 1;
  bool all_orders_ = true;
  std::vector<std::vector<std::unique_ptr<Timeline>>> timelines_;
};

/// Orders of the ops that agree with what is known about their times: ticket order first, then
/// every order in which one op is moved before one that it overlapped and has an object, a
/// directory or a sync in common with. Sets `*all` to false when more than `limit` were due.
std::vector<std::vector<uint32_t>> OrdersOf(const Trace& trace, size_t limit, bool* all);

}  // namespace oldornew
