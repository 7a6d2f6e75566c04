// Forces: the sync calls of one timeline that returned, and the segments of time between them.
//
// Within a segment the set of reachable states only grows: doing more never takes a state away,
// only a sync call that returns does. What a sync call forces depends on the profile; here is only
// which calls count as one (model.md, section 5.5).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "model/changes.h"
#include "model/rules.h"
#include "trace/op.h"

namespace oldornew {

/// A sync that returned, or failed.
struct Force {
  uint32_t op = 0;
  Position pos = 0;  ///< everything it can force has a position <= pos
  /// kFsync, kFdatasync, kSyncFs, kSyncAll; O_SYNC and O_DSYNC writes read as the first two
  OpKind kind = OpKind::kFsync;
  ObjectId object = kNoObject;
  uint64_t offset = 0, end = UINT64_MAX;
  bool ranged = false;
  bool failed = false;

  /// syncfs or sync: the whole file system.
  bool everything() const { return kind == OpKind::kSyncFs || kind == OpKind::kSyncAll; }
};

struct Segment {
  Position begin = 0;  ///< last position of the segment before
  Position end = 0;    ///< last position inside
  uint32_t first_point = 0;
  uint32_t last_point = 0;
  size_t forces = 0;  ///< forces()[0, forces) have returned
};

class Forces {
 public:
  explicit Forces(RuleSet rules) : rules_(rules) {}

  // Building. For each op, in the order of the timeline: Add if it is of this file system, after
  // its changes; then Walked.

  /// The force that `op` is, if it is one and returned. `last`: the last position so far. Ends the
  /// segment.
  std::optional<Force> Add(const Op& op, uint32_t index, Position last);
  void Walked(uint32_t index, Position last);
  /// After the last op.
  void Finish(uint32_t ops, Position last);

  // What was built.

  /// Those that returned, then those that were under way when the run ended.
  const std::vector<Force>& all() const { return forces_; }
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  bool IsForce(const Op& op) const;
  void CloseSegment(Position last);

  RuleSet rules_;
  std::vector<Force> forces_;
  std::vector<Segment> segments_;

  // The segment that is open.
  uint32_t first_point_ = 0;
  Position begin_ = 0;
  bool ended_ = false;  // by the op that is being walked
  std::vector<Force> under_way_;

  uint32_t returned_ = 0;      // ops [0, returned_) have all been walked
  std::set<uint32_t> walked_;  // and these, which come later in the trace
};

}  // namespace oldornew
