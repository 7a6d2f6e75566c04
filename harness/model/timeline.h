// Timeline: one order of the ops of one file system (rules orders and devices), taken apart into
// positions, changes, names, data and sync calls. The same for every profile.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/changes.h"
#include "model/data_timelines.h"
#include "model/forces.h"
#include "model/name_timelines.h"
#include "model/rules.h"
#include "model/space.h"
#include "model/untouched.h"
#include "trace/trace.h"

namespace oldornew {

/// What a timeline consists of. Each part has one idea and its own header.
struct TimelineParts {
  Changes changes;
  NameTimelines names;
  DataTimelines data;
  Forces forces;
  Untouched untouched;
};

class Timeline {
 public:
  /// `order`: indices into trace.ops. `trace` must outlive this.
  Timeline(const Trace& trace, uint64_t device, const std::vector<uint32_t>& order, Grain grain,
           RuleSet rules);

  const Trace& trace() const { return *trace_; }
  uint64_t device() const { return device_; }

  const Changes& changes() const { return parts_.changes; }
  const std::vector<Group>& groups() const { return parts_.changes.groups(); }
  /// The earliest crash point of the segment at which `pos` can be on disk.
  uint32_t PointOf(Position pos, const Segment& segment) const;

  const NameTimelines& names() const { return parts_.names; }
  const std::vector<Slot>& slots() const { return parts_.names.slots(); }

  const std::vector<Force>& forces() const { return parts_.forces.all(); }
  const std::vector<Segment>& segments() const { return parts_.forces.segments(); }

  /// Null for a file that the run did not touch.
  const FileHistory* File(ObjectId object) const { return parts_.data.Find(object); }

  /// Nothing at or below this object of the old tree was touched.
  bool Quiet(ObjectId object) const { return parts_.untouched.Quiet(object); }
  /// This entry of the old tree, and all below it, is there in every state: walks need not look at
  /// it.
  bool InBundle(ObjectId dir, const std::string& name, ObjectId child) const;
  /// The entries of an old directory that are not in the bundle.
  const Untouched::Entries& Lively(ObjectId dir) const { return parts_.untouched.Lively(dir); }

 private:
  const Trace* trace_;
  uint64_t device_;
  TimelineParts parts_;
};

}  // namespace oldornew
