// Rules: the rules of the model, each by name. What they mean is written in docs/model.md, section
// 5, under the same names; that is the norm, and norm_test.cc checks that no rule is missing there.
//
// A rule that no test depends on can be lost without anybody noticing. So each can be left out, one
// at a time, and the mutation test (mutation_test.cc) asks that some litmus test then fails.
// Nothing else ever leaves one out.
#pragma once

#include <cstdint>
#include <vector>

namespace oldornew {

enum class Rule : uint8_t {
  kAtomicGroup,
  kDataBeforeMetadata,
  kPageOrder,
  kForcedMetadata,
  kForcedData,
  kRangeSyncForcesNothing,
  kFloating,
  kBlockWhole,
  kBornUpwards,
  kEpoch,
  kPlacement,
  kOnlyReplacePlaces,
  kWritePosition,
  kTimesForceNothing,
  kOthersFloat,
  kTailIsFixed,
  kLogValues,
  kLogNames,
  kLogAncestors,
  kLogNewChildren,
  kLogUnderWay,
  kLogConflict,
  kLogRidesAlong,
  kLogMovedOut,
  kFdatasyncCleanFile,
  kFdatasyncAttributes,
  kCellsMoveDirectories,
  kCellsSizes,
  kStalePattern,
  kNothingForcedFromBelow,
  kCumulative,
  kTorn,
  kZeroTail,
  kSameInodeRename,
  kAllocateModes,
  kOrders,
  kInFlight,
  kDevices,
  kUnits,
  kFailedSync,
  kFailedSyncStaysLost,
  kFailedClose,
  kCount,
};

struct RuleInfo {
  Rule rule;
  const char* name;    ///< "floating"
  const char* number;  ///< where its evidence is, in research/persistence-model.md: "7.6.1"
  const char* text;    ///< what it says, one sentence
};
/// All of them, in the order of the enum.
const std::vector<RuleInfo>& Rules();

/// The rules that hold; by default all.
class RuleSet {
 public:
  bool Has(Rule rule) const { return (left_out_ >> static_cast<unsigned>(rule) & 1) == 0; }
  RuleSet Without(Rule rule) const {
    RuleSet set = *this;
    set.left_out_ |= uint64_t{1} << static_cast<unsigned>(rule);
    return set;
  }

 private:
  uint64_t left_out_ = 0;
};

}  // namespace oldornew
