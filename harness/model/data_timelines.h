// DataTimelines: which bytes and sizes the files of one file system had in the run, and when.
//
// File data is kept by page. A page *lives* from the write that brings it into being (or from
// before the run) until a truncation or a punched hole drops it; a life has cumulative versions
// (rule cumulative). What of all this is on disk is for the profile to say: that is in file_sizes.h
// and file_states.h.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/changes.h"
#include "model/forces.h"
#include "model/rules.h"
#include "model/space.h"
#include "trace/trace.h"

namespace oldornew {

inline constexpr Position kNeverDies = UINT32_MAX;

/// One content of one page.
struct PageVersion {
  Position pos = 0;
  uint32_t op = 0;
  PageRef page;
  /// file offset just after the last byte that this version's write put into the page
  uint64_t end = 0;
  bool zero_tail = false;  ///< made by a truncation, not by a write (rule zero-tail)
};

struct PageLife {
  Position born = 0;           ///< 0: the page was allocated before the run
  Position dies = kNeverDies;  ///< position of the op that unmapped it
  /// it has a disk block from its birth on: version 0 is old content, not a hole
  bool mapped = false;
  PageRef base;  ///< version 0; version k is versions[k-1]
  std::vector<PageVersion> versions;
  bool Alive(Position cut) const { return born <= cut && cut < dies; }
};

/// One data unit of one write call.
struct WriteStep {
  Position pos = 0;
  uint32_t op = 0;
  uint64_t offset = 0;  ///< of the unit
  uint64_t end = 0;
  uint64_t size_before = 0;
  uint64_t size_after = 0;
  bool extends() const { return size_after > size_before; }
};

/// A size given by metadata alone: truncate either way, fallocate.
struct SizeStep {
  Position pos = 0;
  uint32_t op = 0;
  uint64_t size = 0;
  bool down = false;
};

/// Rule placement: once `trigger` is in the cut, what was dirty at `data` has its blocks.
struct Placement {
  Position trigger = 0;
  Position data = 0;
  bool at_close = false;
};

/// Part of a file's data that a returned sync call forced: pages first..last, all versions up to
/// pos.
struct DataForce {
  uint32_t segment = 0;  ///< holds from this segment on
  Position pos = 0;
  uint64_t first_page = 0;
  uint64_t last_page = UINT64_MAX;
  uint64_t end = UINT64_MAX;  ///< in bytes
  /// the call reported an error: what was dirty is lost unless written again (rule failed-sync)
  bool failed = false;
  bool whole() const { return first_page == 0 && last_page == UINT64_MAX; }
};

struct FileHistory {
  Content base;          ///< as it was before the run; empty for a new file
  Position created = 0;  ///< 0: before the run
  std::vector<WriteStep> writes;
  std::vector<SizeStep> sizes;
  /// ascending; first entry is (0, base size)
  std::vector<std::pair<Position, uint64_t>> live_size;
  std::map<uint64_t, std::vector<PageLife>> pages;  ///< pages that anything touched
  std::vector<Placement> placements;
  std::vector<DataForce> forces;
  /// ascending: every position at which anything of the above changes
  std::vector<Position> events;

  uint64_t LiveSize(Position cut) const;
};

class DataTimelines {
 public:
  /// `trace` must outlive this.
  DataTimelines(const Trace& trace, Grain grain, RuleSet rules)
      : trace_(&trace), grain_(grain), rules_(rules) {}

  // Building: in ascending order of positions. `index` is the op's place in the trace.

  void Create(ObjectId object, Position pos);
  /// Takes a position for each data unit.
  void Write(const Op& op, uint32_t index, Changes* changes);
  /// Size of the file as the program sees it now.
  uint64_t LiveSize(ObjectId object);
  void Truncate(ObjectId object, uint64_t size, Position pos, uint32_t index);
  void Allocate(const Op& op, Position pos, uint32_t index);
  /// The file was renamed over another one at `pos`: its dirty data may be placed before that.
  void PlaceAtRename(ObjectId object, Position pos);
  /// The file was closed after O_TRUNC: its data up to `last` may be placed before the next group.
  void PlaceAtClose(ObjectId object, Position last);
  /// A group stands at `pos`: it triggers the placements of the closes before it. A close that no
  /// group follows never becomes a constraint.
  void GroupComes(Position pos);
  void AddForce(const Force& force, uint32_t segment);

  /// Null for a file that the run did not touch.
  const FileHistory* Find(ObjectId object) const;

 private:
  FileHistory& File(ObjectId object);
  std::vector<std::pair<uint64_t, uint64_t>> Units(uint64_t offset, uint64_t end) const;
  void WriteUnit(FileHistory* file, const WriteStep& step, uint64_t op_offset,
                 std::string_view payload) const;
  void Zero(FileHistory* file, uint64_t page, uint64_t from, uint64_t to, Position pos,
            uint32_t index) const;

  const Trace* trace_;
  Grain grain_;
  RuleSet rules_;
  std::unordered_map<ObjectId, FileHistory> files_;
  std::vector<std::pair<ObjectId, size_t>> open_placements_;  // (file, index of the placement)
};

}  // namespace oldornew
