#include "model/fsync_log.h"

#include <algorithm>
#include <set>

namespace oldornew {
namespace {

// Collects what the log syncs after one commit put on top of it. Each log sync takes a set of
// groups since the commit: whole, but for a file moved between directories (DIRMOVE). Groups are
// applied in order of time, so that the newest value wins.
class Log {
 public:
  Log(const Timeline& timeline, const Profile& profile, Position commit, MetaState* state)
      : t_(timeline), p_(profile), commit_(commit), state_(state) {}

  void Sync(const Force& force) {
    now_ = force.pos;
    const bool directory = KindOf(force.object) == FileKind::kDirectory;
    if (directory) {
      SyncDirectory(force.object);
    } else {
      if (Has(Rule::kLogValues)) {
        state_->contents[force.object] = now_;
        state_->attributes[force.object] = now_;
      }
      if (Has(Rule::kLogNames)) TakeNames(force.object);
      if (Has(Rule::kLogAncestors)) TakeNewAncestors(force.object);
    }

    RideAlong();
    if (Has(Rule::kLogConflict)) TakeConflicts();
    logged_.insert(force.object);
    if (directory) logged_directories_.insert(force.object);
    logged_.insert(fresh_.begin(), fresh_.end());
    fresh_.clear();
  }

  // Puts what was taken on the state, in order of time: what a group gives a slot does not depend
  // on which sync took it.
  void Apply() {
    std::vector<std::pair<Position, size_t>> changes(arrivals_.begin(), arrivals_.end());
    for (Position pos : whole_) {
      for (size_t slot : GroupAt(pos).slots) changes.emplace_back(pos, slot);
    }
    std::sort(changes.begin(), changes.end());
    for (auto [pos, slot] : changes) {
      state_->slots[slot] = t_.slots()[slot].At(pos);
      state_->slot_pos[slot] = pos;
    }
  }

 private:
  bool Has(Rule rule) const { return p_.rules.Has(rule); }
  FileKind KindOf(ObjectId object) const {
    return t_.trace().objects[static_cast<size_t>(object)].kind;
  }
  bool NewSinceCommit(ObjectId object) const { return t_.names().CreatedAt(object) > commit_; }

  const Group& GroupAt(Position pos) const { return t_.changes().GroupAt(pos); }

  // Changes of slots that bind the object or take it away: rename, link, unlink, creation.
  // `also_split`: those too of which a directory's log has taken only the arrival (DIRMOVE).
  void TakeNames(ObjectId object, bool also_split = true) {
    for (size_t slot : t_.names().NamesOf(object)) {
      ObjectId before = kNoObject;
      for (const SlotVersion& version : t_.slots()[slot].versions) {
        const bool concerns = version.object == object || before == object;
        const bool split = !also_split && splits_.count(version.pos);
        if (concerns && !split && version.pos > commit_ && version.pos <= now_)
          whole_.insert(version.pos);
        before = version.object;
      }
    }
  }

  // Creation of directories above the object that the commit does not have. A renamed old ancestor
  // stays where it was (L40).
  void TakeNewAncestors(ObjectId object) {
    for (size_t slot : t_.names().NamesOf(object)) {
      if (t_.slots()[slot].At(now_) != object) continue;
      const ObjectId dir = t_.slots()[slot].dir;
      if (!NewSinceCommit(dir) || !ancestors_.insert({now_, dir}).second) continue;
      TakeExistence(dir);
      TakeNames(dir);
      TakeNewAncestors(dir);
    }
  }

  // The inode as such, without its data (LOG_INODE_EXISTS).
  void TakeExistence(ObjectId object) {
    if (!state_->contents.count(object)) state_->attributes[object] = now_;
  }

  void SyncDirectory(ObjectId dir) {
    state_->attributes[dir] = now_;
    if (NewSinceCommit(dir)) {
      TakeNames(dir);
      TakeNewAncestors(dir);
    }

    TakeEntries(dir);
  }

  // NEWREC: the directory's own additions and removals, and the new children, all the way down.
  void TakeEntries(ObjectId dir) {
    const auto* slots = t_.names().SlotsOf(dir);
    if (slots == nullptr) return;
    for (const auto& [name, slot] : *slots) {
      for (const SlotVersion& version : t_.slots()[slot].versions) {
        if (version.pos <= commit_ || version.pos > now_) continue;
        if (MovedInFromElsewhere(GroupAt(version.pos), dir, version.object)) {
          arrivals_.insert({version.pos, slot});
          splits_.insert(version.pos);
        } else {
          whole_.insert(version.pos);
        }
      }
      const ObjectId child = t_.slots()[slot].At(now_);
      if (child == kNoObject || !NewSinceCommit(child) || !Has(Rule::kLogNewChildren)) continue;
      TakeExistence(child);
      if (fresh_.insert(child).second && KindOf(child) == FileKind::kDirectory) TakeEntries(child);
    }
  }

  // DIRMOVE: the new parent's log does not hold the removal from the old one; the file keeps both
  // names (L20b, L59).
  bool MovedInFromElsewhere(const Group& group, ObjectId dir, ObjectId moved) const {
    if (!p_.dir_move || moved == kNoObject || group.moves_directory || group.slots.size() != 2)
      return false;
    const Slot& source = t_.slots()[group.slots[0]];
    const Slot& target = t_.slots()[group.slots[1]];
    const bool plain = source.At(group.pos) == kNoObject;  // neither exchange nor whiteout
    return plain && target.dir == dir && source.dir != dir;
  }

  // Inodes logged since the commit bring their later slot changes along, and logged directories
  // what was moved out of them.
  void RideAlong() {
    for (ObjectId object : logged_) {
      if (Has(Rule::kLogRidesAlong)) TakeNames(object);
    }
    for (const Group& group : t_.groups()) {
      if (!Has(Rule::kLogMovedOut)) break;
      if (group.pos <= commit_ || group.pos > now_ || group.slots.size() != 2) continue;
      if (logged_directories_.count(t_.slots()[group.slots[0]].dir)) whole_.insert(group.pos);
    }
  }

  // A slot that the commit gives to another inode: all that happened to that inode's names comes
  // too.
  void TakeConflicts() {
    std::set<Position> done;
    for (bool more = true; more;) {
      more = false;
      std::set<Position> taken = whole_;
      for (auto [pos, slot] : arrivals_) taken.insert(pos);
      for (Position pos : taken) {
        if (!done.insert(pos).second) continue;
        more = true;
        for (size_t slot : GroupAt(pos).slots) {
          const Slot& s = t_.slots()[slot];
          const ObjectId here = s.At(pos);
          const ObjectId before = s.At(commit_);
          if (here != kNoObject && before != kNoObject && before != here) TakeNames(before, false);
        }
      }
    }
  }

  const Timeline& t_;
  const Profile& p_;
  const Position commit_;
  MetaState* state_;
  Position now_ = 0;
  std::set<ObjectId> logged_;
  std::set<ObjectId> logged_directories_;
  std::set<ObjectId> fresh_;
  std::set<std::pair<Position, ObjectId>> ancestors_;
  std::set<Position> whole_;  // groups taken whole, by position; log syncs add up
  std::set<Position> splits_;
  std::set<std::pair<Position, size_t>> arrivals_;  // groups of which one slot only is taken
};

}  // namespace

bool FallsBack(const Profile& profile, bool directory) {
  return directory ? profile.fsync_dir == FsyncDir::kAll : profile.fsync_file == FsyncFile::kAll;
}

void ApplyLog(const Timeline& timeline, const Profile& profile, Position cut, size_t count,
              MetaState* state) {
  Log log(timeline, profile, cut, state);
  for (size_t i = 0; i < count && i < timeline.forces().size(); ++i) {
    const Force& force = timeline.forces()[i];
    if (force.failed || force.pos <= cut) continue;
    if (force.kind == OpKind::kSyncFs || force.kind == OpKind::kSyncAll) continue;
    const bool directory =
        timeline.trace().objects[static_cast<size_t>(force.object)].kind == FileKind::kDirectory;
    if (FallsBack(profile, directory)) continue;  // a commit, counted as one when it returned
    log.Sync(force);
  }

  log.Apply();
}

}  // namespace oldornew
