// History: a Trace taken apart into micro-ops (persistence-model.md 7.1, 7.2, 7.6.1, 7.6.11), the
// same for every profile.
//
// Time is counted in *positions*. Every op that changes something has one position, a write call
// one for each of its data units (7.6.15), in the order the kernel copies them: a commit may fall
// between two of them. Position 0 is the start; "at cut c" means: with everything whose position is
// <= c. Metadata is kept as timelines: the values a directory slot, an attribute or a size takes,
// each with the position at which it takes it. The metadata tree at a cut is looked up in them,
// never copied.
//
// File data is kept by page. A page *lives* from the write that brings it into being (or from
// before the run) until a truncation or a hole punched drops it; a life has cumulative versions
// (7.6.8). What of all this is on disk is for the profile to say: that is in file_states.h and
// views.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/crash_states.h"
#include "model/rules.h"
#include "trace/trace.h"

namespace oldornew {

using Position = uint32_t;
inline constexpr Position kNeverDies = UINT32_MAX;

/// One content of one page. `end`: file offset just after the last byte that this version's write
/// put into the page.
struct PageVersion {
  Position pos = 0;
  uint32_t op = 0;
  PageRef page;
  uint64_t end = 0;
  bool zero_tail = false;  ///< ZTAIL: made by a truncation, not by a write
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

/// 7.6.2: once `trigger` is in the cut, what was dirty at `data` has its blocks.
struct Placement {
  Position trigger = 0;
  Position data = 0;
  bool at_close = false;
};

/// Part of a file's data that a returned sync call forced. Pages first..last; all versions up to
/// pos.
struct DataForce {
  uint32_t segment = 0;  ///< holds from this segment on
  Position pos = 0;
  uint64_t first_page = 0;
  uint64_t last_page = UINT64_MAX;
  uint64_t end = UINT64_MAX;  ///< in bytes
  /// the call reported an error: what was dirty is lost unless written again (section 4)
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

struct SlotVersion {
  Position pos = 0;
  uint32_t op = 0;
  ObjectId object = kNoObject;  ///< kNoObject: no such name
};

/// One name in one directory that the run changed.
struct Slot {
  ObjectId dir = kNoObject;
  std::string name;
  std::vector<SlotVersion> versions;  ///< versions[0] is before the run (pos 0)
  size_t IndexAt(Position cut) const;
  ObjectId At(Position cut) const { return versions[IndexAt(cut)].object; }
};

struct AttrVersion {
  Position pos = 0;
  uint32_t op = 0;
  uint32_t mode = 0, uid = 0, gid = 0;
};

struct XattrVersion {
  Position pos = 0;
  uint32_t op = 0;
  std::optional<std::string> value;
};

/// The parts of an inode that are neither names nor data.
struct Attributes {
  uint32_t mode = 0, uid = 0, gid = 0;
  std::map<std::string, std::string> xattrs;
};

/// Why a fixed group concerns an object.
enum class Touch : uint8_t { kNew, kName, kEntry, kAttr, kXattr, kSize };

/// A fixed group: metadata that one op changes as a whole.
struct Group {
  Position pos = 0;
  uint32_t op = 0;
  std::vector<std::pair<ObjectId, Touch>> touches;
  std::vector<size_t> slots;  ///< those that this group changed
  /// a rename or exchange that involves a directory: whole even on posix
  bool moves_directory = false;
};

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
};

/// The time between two forces: the set of reachable states only grows within it.
struct Segment {
  Position begin = 0;  ///< last position of the segment before
  Position end = 0;    ///< last position inside
  uint32_t first_point = 0;
  uint32_t last_point = 0;
  size_t forces = 0;  ///< forces[0, forces) have returned
};

/// One order of the ops of one file system (7.6.12, 7.6.13).
class Timeline {
 public:
  Timeline(const Trace& trace, uint64_t device, const std::vector<uint32_t>& order, Grain grain,
           RuleSet rules);

  const Trace& trace() const { return *trace_; }
  uint64_t device() const { return device_; }
  Position last() const { return static_cast<Position>(op_of_.size() - 1); }
  uint32_t OpOf(Position pos) const { return op_of_[pos]; }
  /// The earliest crash point of the segment at which `pos` can be on disk.
  uint32_t PointOf(Position pos, const Segment& segment) const;

  const std::vector<Group>& groups() const { return groups_; }
  const std::vector<Force>& forces() const { return forces_; }
  const std::vector<Segment>& segments() const { return segments_; }
  const std::vector<Slot>& slots() const { return slots_; }
  /// Slots of a directory by name; null when none was changed.
  const std::map<std::string, size_t>* SlotsOf(ObjectId dir) const;
  const FileHistory* File(ObjectId object) const;
  /// Slots that ever held the object.
  const std::vector<size_t>& NamesOf(ObjectId object) const;

  const std::vector<AttrVersion>* AttrsOf(ObjectId object) const;
  const std::map<std::string, std::vector<XattrVersion>>* XattrsOf(ObjectId object) const;
  Attributes AttributesAt(ObjectId object, Position cut) const;
  Position CreatedAt(ObjectId object) const;
  /// Position of the op that gave a file born nameless its first name; 0 for others.
  Position FirstLinkOfNameless(ObjectId object) const;
  /// The op did nothing in the run but was under way when it ended.
  bool InFlight(uint32_t op) const { return trace_->ops[op].flags & kFlagInFlight; }
  /// This entry of the old tree, and all below it, is there in every state: walks need not look at
  /// it.
  bool InBundle(ObjectId dir, const std::string& name, ObjectId child) const;
  /// The entries of an old directory that are not in the bundle.
  const std::vector<std::pair<std::string, ObjectId>>& Lively(ObjectId dir) const;
  /// Nothing at or below this object of the old tree was touched.
  bool Quiet(ObjectId object) const { return quiet_[static_cast<size_t>(object)]; }

 private:
  friend class TimelineBuilder;
  const Trace* trace_;
  uint64_t device_;
  std::vector<uint32_t> op_of_ = {UINT32_MAX};  // by position
  std::vector<Group> groups_;
  std::vector<Force> forces_;
  std::vector<Segment> segments_;
  std::vector<Slot> slots_;
  std::unordered_map<ObjectId, std::map<std::string, size_t>> slots_of_;
  std::unordered_map<ObjectId, std::vector<size_t>> names_of_;
  std::unordered_map<ObjectId, FileHistory> files_;
  std::unordered_map<ObjectId, std::vector<AttrVersion>> attrs_;
  std::unordered_map<ObjectId, std::map<std::string, std::vector<XattrVersion>>> xattrs_;
  std::unordered_map<ObjectId, Position> created_;
  // born without a name -> position of its first link (0: none yet)
  std::unordered_map<ObjectId, Position> nameless_;
  std::vector<bool> quiet_;
  std::unordered_map<ObjectId, std::vector<std::pair<std::string, ObjectId>>> lively_;
};

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
