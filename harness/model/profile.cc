#include "model/profile.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {
namespace {

constexpr char kMeasured[] = "persistence-model.md 7.4; 75 litmus tests recorded and replayed on Linux 6.18";

// The rows. Each function gives the row it is named after by what sets it apart from the one before it, so
// that a reader sees the difference between two mount options and nothing else.

Profile Ext4() {
  // Delayed allocation into unwritten extents; the size is journalled when the I/O is submitted, not when it
  // is done (persistence-model.md 1.1, 1.3, 1.4); auto_da_alloc starts writeback and does not wait (1.2);
  // since 6.5 fsync of anything but a regular file commits the whole journal (1.8).
  Profile p;
  p.name = "ext4";
  p.mainstream = true;
  p.replace = p.truncate_close = Writeback::kStart;
  p.fsync_dir = FsyncDir::kAll;
  p.source = kMeasured;
  return p;
}

Profile Ext4NoAutoDaAlloc() {
  Profile p = Ext4();
  p.name = "ext4,noauto_da_alloc";
  p.replace = p.truncate_close = Writeback::kNone;
  return p;
}

Profile Ext4DioreadLock() {
  // Blocks are allocated written, so the inode is on the ordered list and the commit waits: the documented
  // behaviour, and about what kernels up to 5.5 did.
  Profile p = Ext4();
  p.name = "ext4,dioread_lock";
  p.new_data = NewData::kOrdered;
  p.replace = p.truncate_close = Writeback::kWait;
  return p;
}

Profile Ext4NoDelalloc() {
  Profile p = Ext4();
  p.name = "ext4,nodelalloc";
  p.new_data = NewData::kOrdered;
  p.delalloc = Delalloc::kNo;
  p.replace = p.truncate_close = Writeback::kNone;
  return p;
}

Profile Ext4Writeback() {
  Profile p = Ext4();
  p.name = "ext4,data=writeback";
  p.trunc = TruncRule::kLateZeros;
  p.source = "persistence-model.md 1.12, 7.4; rests on 6 tests only (stale-fill suite)";
  return p;
}

Profile Ext4WritebackDioreadLock() {
  Profile p = Ext4Writeback();
  p.name = "ext4,data=writeback,dioread_lock";
  p.new_data = NewData::kStale;
  p.source = kMeasured;
  return p;
}

Profile Ext4Journal() {
  Profile p = Ext4();
  p.name = "ext4,data=journal";
  p.new_data = p.tail_append = NewData::kJournal;
  p.delalloc = Delalloc::kNo;
  p.replace = p.truncate_close = Writeback::kNone;
  p.overwrite = Overwrite::kJournal;
  p.trunc = TruncRule::kAtomic;
  // Not ALL, as the table first had it: fsync of a clean file left an earlier rename of its directory undone
  // (L40).
  p.fsync_file = FsyncFile::kPrefix;
  return p;
}

Profile Ext4FastCommit() {
  Profile p = Ext4();
  p.name = "ext4,fast_commit";
  p.mainstream = false;
  p.tmpfile_link_lost = true;
  p.source = "persistence-model.md 1.9, 7.6.18: as ext4 in 74 of 75 tests, plus the loss of L33";
  return p;
}

Profile Ext4Before65() {
  Profile p = Ext4();
  p.name = "ext4@<6.5";
  p.fsync_dir = FsyncDir::kPrefix;
  p.basis = Basis::kDocumentation;
  p.source =
      "persistence-model.md 1.8, 7.4(4): fs/ext4/fsync.c before 6.5 commits the directory's own i_sync_tid";
  return p;
}

Profile Ext4Contract() {
  Profile p = Ext4DioreadLock();
  p.name = "ext4:contract";
  p.mainstream = false;
  p.basis = Basis::kContract;
  p.fsync_dir = FsyncDir::kPrefix;
  p.source = "persistence-model.md 7.6.18; admin-guide/ext4.rst";
  return p;
}

Profile Xfs() {
  // Size and extents move only after the I/O; strict order of the log; fsync forces it up to the inode's last
  // change.
  Profile p;
  p.name = "xfs";
  p.mainstream = true;
  p.new_data = p.tail_append = NewData::kAfterIo;
  p.truncate_close = Writeback::kStart;
  p.trunc = TruncRule::kAtomic;
  p.datasync_meta = DatasyncMeta::kFull;
  p.source = kMeasured;
  return p;
}

Profile XfsContract() {
  Profile p = Xfs();
  p.name = "xfs:contract";
  p.mainstream = false;
  p.basis = Basis::kContract;
  p.trunc = TruncRule::kTorn;
  p.source = "persistence-model.md 7.6.18; xfs-delayed-logging-design.rst";
  return p;
}

Profile Btrfs() {
  // Copy on write; transactions all or nothing; fsync writes values into a log that is applied on top
  // (7.6.4).
  Profile p;
  p.name = "btrfs";
  p.mainstream = true;
  p.meta_order = MetaOrder::kTxLog;
  p.new_data = p.tail_append = NewData::kAfterIo;
  p.replace = p.truncate_close = Writeback::kStart;
  p.overwrite = Overwrite::kCow;
  p.trunc = TruncRule::kAtomic;
  p.fsync_file = FsyncFile::kNames;
  p.fsync_dir = FsyncDir::kNewRecursive;
  p.datasync_meta = DatasyncMeta::kFull;
  p.dir_move = true;
  p.source = kMeasured;
  return p;
}

Profile BtrfsFlushOnCommit() {
  Profile p = Btrfs();
  p.name = "btrfs,flushoncommit";
  p.delalloc = Delalloc::kNotAtCommit;
  return p;
}

Profile BtrfsNoTreeLog() {
  Profile p = Btrfs();
  p.name = "btrfs,notreelog";
  p.meta_order = MetaOrder::kPrefix;
  p.fsync_file = FsyncFile::kPrefix;
  p.fsync_dir = FsyncDir::kPrefix;
  p.dir_move = false;
  return p;
}

Profile BtrfsNoDataCow() {
  Profile p = Btrfs();
  p.name = "btrfs,nodatacow";
  p.overwrite = Overwrite::kInPlace;
  return p;
}

Profile F2fs() {
  Profile p = Btrfs();
  p.name = "f2fs";
  p.mainstream = false;
  p.basis = Basis::kDocumentation;
  // A roll-forward inside one flush window can point at a block whose data never landed.
  p.new_data = p.tail_append = NewData::kStale;
  p.replace = p.truncate_close = Writeback::kNone;
  p.overwrite = Overwrite::kInPlace;  // the weaker of log-structured and in-place update
  p.trunc = TruncRule::kTorn;
  p.fsync_dir = FsyncDir::kPrefix;
  p.source = "from documentation: persistence-model.md 3, 6; f2fs.rst fsync_mode=posix";
  return p;
}

Profile F2fsStrict() {
  Profile p = F2fs();
  p.name = "f2fs,fsync_mode=strict";
  p.meta_order = MetaOrder::kPrefix;
  p.fsync_file = FsyncFile::kPrefix;
  p.dir_move = false;
  p.source = "from documentation: persistence-model.md 6, 7.4; f2fs.rst fsync_mode=strict";
  return p;
}

Profile Posix() {
  // Nothing is promised but what fsync(2), fdatasync(2) and sync(2) say in so many words.
  Profile p;
  p.name = "posix";
  p.basis = Basis::kContract;
  p.meta_order = MetaOrder::kNone;
  p.new_data = p.tail_append = NewData::kStale;
  p.trunc = TruncRule::kUnordered;
  p.fsync_file = FsyncFile::kSelf;
  p.fsync_dir = FsyncDir::kOwn;
  p.dir_move = true;
  p.source = "persistence-model.md 7.6.6; fsync(2)";
  return p;
}

Profile ReadsAsPosix(const char* name) {
  Profile p = Posix();
  p.name = name;
  p.source = "persistence-model.md 7.6.18: no published contract, reads as posix";
  return p;
}

Profile OverlayVolatile() {
  Profile p = Ext4();
  p.name = "overlay,volatile";
  p.mainstream = false;
  p.sync_noop = true;
  p.source =
      "persistence-model.md 3 (OV2v, OV3v): all sync calls return 0 and are skipped; upper file system ext4";
  return p;
}

Profile Tmpfs() {
  Profile p;
  p.name = "tmpfs";
  p.basis = Basis::kConstruction;
  p.sync_noop = true;
  p.empty_after_crash = true;
  p.source = "persistence-model.md 3: nothing survives";
  return p;
}

const char* Text(MetaOrder v) {
  constexpr const char* kText[] = {"none", "txlog", "prefix"};
  return kText[static_cast<int>(v)];
}
const char* Text(NewData v) {
  constexpr const char* kText[] = {"after_io", "ordered", "zero", "stale", "journal"};
  return kText[static_cast<int>(v)];
}
const char* Text(Delalloc v) {
  constexpr const char* kText[] = {"y", "n", "n_at_commit"};
  return kText[static_cast<int>(v)];
}
const char* Text(Writeback v) {
  constexpr const char* kText[] = {"none", "startwb", "wait"};
  return kText[static_cast<int>(v)];
}
const char* Text(Overwrite v) {
  constexpr const char* kText[] = {"inplace", "cow", "journal"};
  return kText[static_cast<int>(v)];
}
const char* Text(TruncRule v) {
  constexpr const char* kText[] = {"torn", "atomic", "late_zeros", "unordered"};
  return kText[static_cast<int>(v)];
}
const char* Text(FsyncFile v) {
  constexpr const char* kText[] = {"self", "names", "prefix", "all"};
  return kText[static_cast<int>(v)];
}
const char* Text(FsyncDir v) {
  constexpr const char* kText[] = {"own", "newrec", "prefix", "all"};
  return kText[static_cast<int>(v)];
}

}  // namespace

const std::vector<Profile>& Profiles() {
  static const std::vector<Profile> rows = {Ext4(),
                                            Ext4NoAutoDaAlloc(),
                                            Ext4DioreadLock(),
                                            Ext4NoDelalloc(),
                                            Ext4Writeback(),
                                            Ext4WritebackDioreadLock(),
                                            Ext4Journal(),
                                            Ext4Before65(),
                                            Ext4FastCommit(),
                                            Xfs(),
                                            Btrfs(),
                                            BtrfsFlushOnCommit(),
                                            BtrfsNoTreeLog(),
                                            BtrfsNoDataCow(),
                                            F2fs(),
                                            F2fsStrict(),
                                            Ext4Contract(),
                                            XfsContract(),
                                            ReadsAsPosix("btrfs:contract"),
                                            ReadsAsPosix("f2fs:contract"),
                                            Posix(),
                                            OverlayVolatile(),
                                            Tmpfs()};
  return rows;
}

const Profile* FindProfile(std::string_view name) {
  for (const Profile& p : Profiles()) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

Result<std::vector<const Profile*>> SelectProfiles(const std::vector<std::string>& names) {
  std::vector<const Profile*> selected;
  std::vector<std::string> unknown;
  auto add = [&](const Profile& p) {
    if (std::find(selected.begin(), selected.end(), &p) == selected.end()) selected.push_back(&p);
  };
  for (const std::string& name : names) {
    if (name == "mainstream" || name == "all") {
      for (const Profile& p : Profiles()) {
        if (name == "all" ? !p.sync_noop : p.mainstream) add(p);
      }
    } else if (const Profile* p = FindProfile(name)) {
      add(*p);
    } else {
      unknown.push_back(name);
    }
  }
  if (unknown.empty()) return selected;
  std::vector<std::string> known = {"mainstream", "all"};
  for (const Profile& p : Profiles()) known.push_back(p.name);
  return FailWith(ExitCode::kUsage, "no profile is called {}; known are {}", Join(unknown, " or "),
                  Join(known, ", "));
}

std::string DescribeProfile(const Profile& p) {
  std::string text = fmt::format(
      "{}: META_ORDER={} NEWDATA={} TAILAPPEND={} DELALLOC={} REPL={} TRCLOSE={} OVERWRITE={} TRUNC={} "
      "FSYNC_FILE={} "
      "FSYNC_DIR={} DATASYNC_META={} DIRMOVE={} SYNC_NOOP={}",
      p.name, Text(p.meta_order), Text(p.new_data), Text(p.tail_append), Text(p.delalloc), Text(p.replace),
      Text(p.truncate_close), Text(p.overwrite), Text(p.trunc), Text(p.fsync_file), Text(p.fsync_dir),
      p.datasync_meta == DatasyncMeta::kFull ? "full" : "strict", p.dir_move ? "y" : "n",
      p.sync_noop ? "y" : "n");
  if (p.empty_after_crash) text += "; nothing survives";
  if (p.tmpfile_link_lost) text += "; the first name of a file born nameless is not forced by its fsync";
  return text + " (" + p.source + ")";
}

}  // namespace oldornew
