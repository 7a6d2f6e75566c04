#include "model/forced_metadata.h"

#include <algorithm>

#include "model/fsync_log.h"

namespace oldornew {
namespace {

class Forcing {
 public:
  Forcing(const Timeline& timeline, const Profile& profile) : t_(timeline), p_(profile) {
    now_.slots.assign(t_.slots().size(), 0);
  }

  std::vector<ForcedMetadata> Run() {
    std::vector<ForcedMetadata> out;
    size_t applied = 0;
    for (const Segment& segment : t_.segments()) {
      for (; applied < segment.forces; ++applied) {
        const Force& force = t_.forces()[applied];
        if (p_.sync_noop || force.failed || !p_.rules.Has(Rule::kForcedMetadata)) continue;
        if (p_.meta_order == MetaOrder::kNone) {
          ForceCells(force);
        } else {
          now_.cut = std::max(now_.cut, ForcedCut(force));
        }
      }
      out.push_back(now_);
    }
    return out;
  }

 private:
  // Up to where this call forces all changes.
  Position ForcedCut(const Force& force) const {
    if (force.everything()) return force.pos;
    const bool directory =
        t_.trace().objects[static_cast<size_t>(force.object)].kind == FileKind::kDirectory;

    // With a log an fsync forces no cut, unless it commits.
    if (p_.meta_order == MetaOrder::kTxLog) return FallsBack(p_, directory) ? force.pos : 0;

    const bool data_sync =
        force.kind == OpKind::kFdatasync && p_.datasync_meta == DatasyncMeta::kStrict;
    const bool all =
        directory ? p_.fsync_dir == FsyncDir::kAll : p_.fsync_file == FsyncFile::kAll && !data_sync;
    if (all) return force.pos;

    const Position data = NewestOfData(force.object, force.pos, ForcedDataBefore(force));
    // Nothing of size or blocks is unforced: the call forces only data.
    if (data_sync && data <= now_.cut && p_.rules.Has(Rule::kFdatasyncCleanFile)) return 0;

    Position newest = std::max(data, NewestGroup(force, data_sync));
    if (!p_.rules.Has(Rule::kNothingForcedFromBelow))
      newest = std::max(newest, NewestAbove(force.object, force.pos));
    return newest;
  }

  // Writes up to here have their blocks on disk when the call comes.
  Position ForcedDataBefore(const Force& force) const {
    Position forced = 0;
    const FileHistory* file = t_.File(force.object);
    if (file == nullptr) return forced;
    for (const DataForce& earlier : file->forces) {
      if (earlier.pos < force.pos && earlier.whole() && !earlier.failed) forced = earlier.pos;
    }
    return forced;
  }

  // The newest fixed change of the object that the call takes note of.
  Position NewestGroup(const Force& force, bool data_sync) const {
    Position newest = 0;
    for (const Group& group : t_.groups()) {
      if (group.pos > force.pos) break;
      for (auto [touched, why] : group.touches) {
        if (touched != force.object) continue;
        const bool attribute = why == Touch::kAttr || why == Touch::kXattr;
        if (data_sync && attribute && p_.rules.Has(Rule::kFdatasyncAttributes)) continue;
        const bool first_link =
            why == Touch::kName && group.pos == t_.names().FirstLinkOfNameless(force.object);
        if (first_link && p_.tmpfile_link == TmpfileLink::kLost) continue;
        newest = group.pos;
      }
    }
    return newest;
  }

  // Newest position at which the object was created, or its size or blocks changed; a floating
  // group stands at its write (rule write-position). Writes up to `forced_data` have their blocks
  // on disk already, so that writing there again changed no metadata.
  Position NewestOfData(ObjectId object, Position until, Position forced_data) const {
    Position newest = 0;
    for (const Group& group : t_.groups()) {
      if (group.pos > until) break;
      for (auto [touched, why] : group.touches) {
        if (touched == object && (why == Touch::kNew || why == Touch::kSize)) newest = group.pos;
      }
    }

    const FileHistory* file = t_.File(object);
    if (file == nullptr || !p_.rules.Has(Rule::kWritePosition)) return newest;
    for (const WriteStep& step : file->writes) {
      if (step.pos > until) break;
      bool counts = step.extends() || p_.overwrite != Overwrite::kInPlace;
      if (!counts) {
        for (const PageLife& life : file->pages.at(step.offset / kPageSize)) {
          if (life.Alive(step.pos)) counts = !life.mapped && life.born > forced_data;
        }
      }
      if (counts) newest = std::max(newest, step.pos);
    }
    return newest;
  }

  // The newest change of a name above the object.
  Position NewestAbove(ObjectId object, Position until) const {
    Position newest = 0;
    for (size_t slot : t_.names().NamesOf(object)) {
      if (t_.slots()[slot].At(until) != object) continue;
      const ObjectId dir = t_.slots()[slot].dir;
      for (size_t above : t_.names().NamesOf(dir)) {
        const Slot& s = t_.slots()[above];
        if (s.At(until) == dir)
          newest = std::max({newest, s.versions[s.IndexAt(until)].pos, NewestAbove(dir, until)});
      }
    }
    return newest;
  }

  void ForceCells(const Force& force) {
    if (force.everything()) {
      now_.attributes_all = force.pos;
    } else if (force.kind == OpKind::kFsync) {
      now_.attributes[force.object] = force.pos;
    }

    for (size_t i = 0; i < t_.slots().size(); ++i) {
      const Slot& slot = t_.slots()[i];
      if (force.everything() || slot.dir == force.object)
        now_.slots[i] = std::max(now_.slots[i], slot.IndexAt(force.pos));
    }

    // One side of a directory's move brings the other, which can be part of another move.
    while (ForceOtherSides(force.pos)) {
    }
  }

  // A rename of a directory is whole: forcing one side forces the other. Returns true when that
  // forced something.
  bool ForceOtherSides(Position until) {
    bool changed = false;
    for (const Group& group : t_.groups()) {
      if (!group.moves_directory || group.pos > until) continue;
      const bool forced = std::any_of(group.slots.begin(), group.slots.end(), [&](size_t s) {
        return now_.slots[s] >= t_.slots()[s].IndexAt(group.pos);
      });
      if (!forced) continue;
      for (size_t s : group.slots) {
        const size_t least = t_.slots()[s].IndexAt(group.pos);
        if (now_.slots[s] >= least) continue;
        now_.slots[s] = least;
        changed = true;
      }
    }
    return changed;
  }

  const Timeline& t_;
  const Profile& p_;
  ForcedMetadata now_;
};

}  // namespace

Position ForcedMetadata::AttributesOf(ObjectId object) const {
  const auto found = attributes.find(object);
  return std::max(attributes_all, found == attributes.end() ? 0 : found->second);
}

std::vector<ForcedMetadata> ForcedBySegment(const Timeline& timeline, const Profile& profile) {
  return Forcing(timeline, profile).Run();
}

}  // namespace oldornew
