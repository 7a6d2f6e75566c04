// Kill states: what the next reader finds when every process of the run is killed at some moment
// (SIGKILL, the OOM killer of a container). The page cache survives, so nothing is lost; what was
// not yet done is not there.
//
// A call that changes names or attributes happens as a whole. A write does not: the kernel copies
// page by page and looks for a fatal signal between two pages (generic_perform_write in
// mm/filemap.c), so that a write leaves any whole number of page cache pages of what it was to
// write.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "trace/trace.h"

namespace oldornew {

/// Steps through the moments of a run in which a file, name or attribute has just changed.
class KillWalk {
 public:
  /// The trace must outlive this.
  explicit KillWalk(const Trace& trace) : trace_(trace), live_(trace) {}

  /// Goes on to behind the next call that changed something; false: there is none left.
  bool Next();

  /// Calls that are done: the one that changed something is number point(), index point() - 1.
  uint32_t point() const { return point_; }
  const Op& op() const { return trace_.ops[point_ - 1]; }
  /// Behind op().
  const FileTree& tree() const { return live_.tree(); }

  /// Within op(): after how many of its bytes it can end, where that is a state of its own.
  /// Ascending; empty for all but writes of several pages.
  std::vector<uint64_t> Inside() const;
  /// The tree after so many bytes of op().
  FileTree TreeInside(uint64_t bytes) const;

 private:
  const Trace& trace_;
  LiveTree live_;
  uint32_t point_ = 0;
  Content before_;  ///< of the object that op() writes
};

}  // namespace oldornew
