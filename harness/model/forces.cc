#include "model/forces.h"

#include <algorithm>
#include <cerrno>

namespace oldornew {
namespace {

// Errors that mean "this data did not get to the disk" (rule failed-sync). EBADF, EINVAL, EROFS and
// the like did nothing at all.
bool LosesData(int error) { return error == EIO || error == ENOSPC || error == EDQUOT; }

}  // namespace

bool Forces::IsForce(const Op& op) const {
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

std::optional<Force> Forces::Add(const Op& op, uint32_t index, Position last) {
  if (!IsForce(op)) return std::nullopt;

  Force force;
  force.op = index;
  force.pos = last;
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

  // A call that never returned is not known to have forced anything.
  if ((op.flags & kFlagInFlight) && rules_.Has(Rule::kInFlight)) {
    under_way_.push_back(force);
    return std::nullopt;
  }

  CloseSegment(last);
  forces_.push_back(force);
  ended_ = true;
  return force;
}

void Forces::Walked(uint32_t index, Position last) {
  walked_.insert(index);
  while (walked_.count(returned_)) walked_.erase(returned_++);

  // The next segment begins only now: the op that ended this one belongs to it.
  if (!ended_) return;
  ended_ = false;
  first_point_ = returned_;
  begin_ = last;
}

void Forces::Finish(uint32_t ops, Position last) {
  returned_ = ops;
  CloseSegment(last);
  forces_.insert(forces_.end(), under_way_.begin(), under_way_.end());
}

void Forces::CloseSegment(Position last) {
  Segment segment;
  segment.begin = begin_;
  segment.end = last;
  segment.first_point = first_point_;
  segment.last_point = std::max(first_point_, returned_);
  segment.forces = forces_.size();
  segments_.push_back(segment);
}

}  // namespace oldornew
