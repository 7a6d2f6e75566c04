// CopyTree: a faithful copy of a directory on disk: bytes (holes stay holes, shared extents where
// the file system can), modes, owners, extended attributes with ACLs, hard links, symlinks, times.
// The source is only read, without changing access times where the kernel allows that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tree/file_tree.h"

namespace oldornew {

/// More files and directories than this are not copied.
inline constexpr uint64_t kCopyEntryLimit = 1'000'000;

struct CopyOutcome {
  uint64_t bytes = 0;  ///< data copied (allocated ranges; holes are free)
  uint64_t entries = 0;
  uint64_t foreign_owners = 0;  ///< entries whose owner or group could not be kept
  /// Attributes that the target's file system or our rights did not allow.
  uint64_t lost_xattrs = 0;
  uint64_t other_devices = 0;  ///< directories that were mount points; copied as plain directories
  std::vector<std::string> skipped;  ///< sockets and devices, relative to the source
};

/// Copies what is in `source` into the existing empty directory `target`, and source's own mode,
/// owner, xattrs and times to it. Follows no symlink except `source` itself. Errors:
///   kUsage        more than `limit` bytes or kCopyEntryLimit entries (the message names the limit)
///   kCannotJudge  something cannot be read; the message has its path
Result<CopyOutcome> CopyTree(const std::string& source, const std::string& target, uint64_t limit);

}  // namespace oldornew
