#include "model/rules.h"

#include <iterator>

namespace oldornew {
namespace {

const RuleInfo kRules[] = {
    {Rule::kAtomicGroup, "atomic-group", "E1",
     "The changes of one call to names are on disk together or not at all."},
    {Rule::kDataBeforeMetadata, "data-before-metadata", "E3",
     "Where NEWDATA or TAILAPPEND says so, a size implies its data."},
    {Rule::kPageOrder, "page-order", "E4",
     "A page never shows less than what was last forced, or what its size implies."},
    {Rule::kForcedMetadata, "forced-metadata", "E5",
     "What a returned sync call forces of names, sizes and attributes is on disk."},
    {Rule::kForcedData, "forced-data", "E5",
     "What a returned sync call forces of data is on disk."},
    {Rule::kRangeSyncForcesNothing, "range-sync-forces-nothing", "E5",
     "sync_file_range forces nothing."},
    {Rule::kFloating, "floating", "7.6.1",
     "A write into unallocated space gets blocks and size at any later time, or never."},
    {Rule::kBlockWhole, "block-whole", "7.6.1",
     "A floating group reaches to the end of its range, clipped to the file's size."},
    {Rule::kBornUpwards, "born-upwards", "7.6.1", "Writeback of a contiguous range goes upwards."},
    {Rule::kEpoch, "epoch", "7.6.1", "A size is found within one truncation epoch."},
    {Rule::kPlacement, "placement", "7.6.2",
     "startwb and wait place the floating groups before the next change."},
    {Rule::kOnlyReplacePlaces, "only-replace-places", "7.6.2",
     "Exchange, link and rename to a new name never place."},
    {Rule::kWritePosition, "write-position", "7.6.3",
     "For forcing, a floating group stands at the position of its write."},
    {Rule::kTimesForceNothing, "times-force-nothing", "7.6.3", "A change of times forces nothing."},
    {Rule::kOthersFloat, "others-float", "7.6.3",
     "Floating groups and data of other files are not forced by a file's fsync."},
    {Rule::kTailIsFixed, "tail-is-fixed", "7.6.3",
     "A size that the row gives at the write is fixed: later changes imply it."},
    {Rule::kLogValues, "log-values", "7.6.4",
     "A log sync of a file puts its size, pages and attributes as of the call on the commit."},
    {Rule::kLogNames, "log-names", "7.6.4", "A log sync of a file takes the changes of its names."},
    {Rule::kLogAncestors, "log-ancestors", "7.3 E5",
     "NAMES takes the creation of new directories above the file."},
    {Rule::kLogNewChildren, "log-new-children", "7.3 E5",
     "NEWREC takes new children all the way down."},
    {Rule::kLogUnderWay, "log-under-way", "7.6.4",
     "One log sync that is under way may be on disk."},
    {Rule::kLogConflict, "log-conflict", "7.6.4",
     "A logged name that the commit gives to another inode brings that inode's names along."},
    {Rule::kLogRidesAlong, "log-rides-along", "7.6.4",
     "Inodes logged since the commit bring their later names along."},
    {Rule::kLogMovedOut, "log-moved-out", "7.6.4",
     "So do renames out of a directory logged since."},
    {Rule::kFdatasyncCleanFile, "fdatasync-clean-file", "7.6.5",
     "A strict fdatasync forces only data when no size or block is unforced."},
    {Rule::kFdatasyncAttributes, "fdatasync-attributes", "7.6.5",
     "A strict fdatasync does not force attributes."},
    {Rule::kCellsMoveDirectories, "cells-move-directories", "7.6.6, 7.6.7",
     "A rename of a directory is whole on posix too: never two parents, never none."},
    {Rule::kCellsSizes, "cells-sizes", "7.6.6",
     "A posix size may stop at any write, and at the end of its block."},
    {Rule::kStalePattern, "stale-pattern", "7.6.6",
     "STALE is a non-text pattern too, not only zeros."},
    {Rule::kNothingForcedFromBelow, "nothing-forced-from-below", "E6, 7.6.7",
     "Nothing is forced because something below it is."},
    {Rule::kCumulative, "cumulative", "7.6.8",
     "A page's version k holds all writes to it up to k."},
    {Rule::kTorn, "torn", "7.6.8", "A page may be torn at sectors."},
    {Rule::kZeroTail, "zero-tail", "7.6.9", "A truncation zeroes the rest of its last page."},
    {Rule::kSameInodeRename, "same-inode-rename", "7.6.11",
     "A rename onto another link of the same inode does nothing."},
    {Rule::kAllocateModes, "allocate-modes", "7.6.11",
     "fallocate punches, zeroes, collapses and inserts."},
    {Rule::kOrders, "orders", "7.6.12", "Overlapping ops are tried in both orders."},
    {Rule::kInFlight, "in-flight", "7.6.12", "A sync that never returned forces nothing."},
    {Rule::kDevices, "devices", "7.6.13", "Each file system has its own cut."},
    {Rule::kUnits, "units", "7.6.15",
     "A write call is several data units: a commit may fall between them."},
    {Rule::kFailedSync, "failed-sync", "7.6.16, 4", "A sync that failed forces nothing."},
    {Rule::kFailedSyncStaysLost, "failed-sync-stays-lost", "7.6.16, 4",
     "After a failed sync a later one forces only what was written again."},
    {Rule::kFailedClose, "failed-close", "7.6.16, 3.1",
     "A close that failed is a sync that failed."},
};

}  // namespace

const std::vector<RuleInfo>& Rules() {
  static const std::vector<RuleInfo> rules(std::begin(kRules), std::end(kRules));
  return rules;
}

}  // namespace oldornew
