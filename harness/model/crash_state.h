// CrashState: one state of the disk after a power cut, as values, and what was looked at to find
// all of them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "model/space.h"
#include "trace/trace.h"

namespace oldornew {

/// An op before the crash whose effect is not, or not fully, in the state, and matters to the
/// projection.
struct Effect {
  enum class Extent : uint8_t { kWhole, kPart, kTorn };
  uint32_t op = 0;  ///< index into Trace::ops
  Extent extent = Extent::kWhole;
  /// for people, may be empty: "size not updated", "2 of 3 pages", "512 of 4096 B of a page"
  std::string detail;
};

struct CrashState {
  uint32_t first_point = 0;  ///< earliest crash point at which this state can be found
  uint32_t last_point = 0;   ///< latest one
  /// All crash points at which it can be found, as closed intervals in ascending order.
  std::vector<std::pair<uint32_t, uint32_t>> points;

  /// The projected paths and the directories above them; with projection "" everything. Root
  /// numbers are the trace's.
  FileTree tree;
  /// of all that the projection sees, attributes included; the same for the same picture
  Digest digest;

  /// how far from "nothing lost": 2 for each effect lost, 3 for each torn
  uint32_t deviations = 0;
  std::vector<Effect> lost;  ///< in trace order, for `choice` (the earliest crash point)
  /// ops that are on disk and gave the projected paths what they name; in trace order
  std::vector<uint32_t> named_by;

  /// printable, no spaces; RealiseChoice gives this state back. Earliest crash point
  std::string choice;
  /// the same picture at last_point: realise it to learn what is lost *then*
  std::string late_choice;
};

struct Coverage {
  uint64_t crash_points = 0;     ///< always all of them: ops.size() + 1
  uint64_t states_total = 0;     ///< combinations in the space; saturates at UINT64_MAX
  uint64_t states_visited = 0;   ///< combinations looked at
  uint64_t states_distinct = 0;  ///< pictures among them
  uint64_t orders = 1;           ///< orders of overlapping ops that were tried (rule orders)
  Grain grain = Grain::kCall;
  bool exhaustive = true;  ///< false: a bound was reached; what was not looked at may hold anything
};

}  // namespace oldornew
