// Profile: what one file system, with one set of mount options, promises about a power cut; a row of enum
// columns.
//
// The rules that give the columns their meaning are those of persistence-model.md 7.3, 7.4 and 7.6 (7.6 wins
// where they differ). A profile is data: adding a file system means adding a row to the table in profile.cc,
// with its source, and a litmus column that was observed on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oldornew {

/// META_ORDER: which sets of metadata groups can be on disk.
enum class MetaOrder : uint8_t {
  kNone,    ///< independent cells (7.6.6)
  kTxLog,   ///< whole transactions in order, and the fsync log applied on top (7.6.4)
  kPrefix,  ///< groups up to a cut
};

/// NEWDATA and TAILAPPEND: what a file that grew can show where its data has not landed.
enum class NewData : uint8_t {
  kAfterIo,  ///< the size follows the data: never shown
  kOrdered,  ///< the commit that makes it visible waits for the data: never shown
  kZero,     ///< zeros
  kStale,    ///< what the disk block held before: zeros, or anything
  kJournal,  ///< data travels in the metadata group
};

/// DELALLOC: are blocks, and with them the size, given to new data only at writeback (a floating
/// group, 7.6.1)?
enum class Delalloc : uint8_t {
  kYes,
  kNo,           ///< the group is fixed at the write
  kNotAtCommit,  ///< every commit first writes back all data before it (btrfs flushoncommit)
};

/// REPL (rename over an existing name) and TRCLOSE (close after O_TRUNC): what happens to the data not yet
/// allocated (7.6.2).
enum class Writeback : uint8_t {
  kNone,
  kStart,  ///< its floating groups come before the rename's; the data is not waited for
  kWait,   ///< the same, and the data is on disk whenever that group is
};

/// OVERWRITE: how bytes inside allocated blocks change.
enum class Overwrite : uint8_t {
  kInPlace,  ///< any subset of sectors, at any time
  kCow,      ///< a floating group: the page shows the new version only through metadata
  kJournal,  ///< in the metadata group
};

/// TRUNC: the zeroing of the tail page against the new size (7.6.9).
enum class TruncRule : uint8_t {
  kTorn,       ///< zeros may be on disk without the new size; the new size implies the zeros
  kAtomic,     ///< both or neither
  kLateZeros,  ///< the new size may be there without the zeros (ext4 data=writeback)
  kUnordered,  ///< either without the other
};

/// FSYNC_FILE: metadata that fsync(file) forces (7.3 E5).
enum class FsyncFile : uint8_t { kSelf, kNames, kPrefix, kAll };
/// FSYNC_DIR: metadata that fsync(directory) forces.
enum class FsyncDir : uint8_t { kOwn, kNewRecursive, kPrefix, kAll };
/// DATASYNC_META: does fdatasync force attributes when no size or block changed?
enum class DatasyncMeta : uint8_t { kStrict, kFull };

/// How a row is known.
enum class Basis : uint8_t {
  kObserved,       ///< real volumes were recorded and replayed (persistence-model.md 2)
  kContract,       ///< what manual pages and kernel documents promise, nothing more
  kDocumentation,  ///< read in documents and source, never measured by this project
  kConstruction,   ///< true by what it is (tmpfs)
};

struct Profile {
  std::string name;
  Basis basis = Basis::kObserved;
  bool mainstream = false;  ///< member of the set "mainstream" (oracles.md 18)
  MetaOrder meta_order = MetaOrder::kPrefix;
  NewData new_data = NewData::kZero;
  NewData tail_append = NewData::kZero;
  Delalloc delalloc = Delalloc::kYes;
  Writeback replace = Writeback::kNone;
  Writeback truncate_close = Writeback::kNone;
  Overwrite overwrite = Overwrite::kInPlace;
  TruncRule trunc = TruncRule::kTorn;
  FsyncFile fsync_file = FsyncFile::kPrefix;
  FsyncDir fsync_dir = FsyncDir::kPrefix;
  DatasyncMeta datasync_meta = DatasyncMeta::kStrict;
  bool dir_move = false;           ///< DIRMOVE: fsync(new parent) may keep both names of a moved file
  bool sync_noop = false;          ///< SYNC_NOOP: every sync call returns 0 and forces nothing
  bool empty_after_crash = false;  ///< nothing at all survives (tmpfs)
  bool tmpfile_link_lost =
      false;           ///< fsync does not persist the first name of a file born nameless (L33, fast_commit)
  std::string source;  ///< where the row comes from, one line
};

/// Every row, in the order of the table.
const std::vector<Profile>& Profiles();

/// The row of that exact name, or null.
const Profile* FindProfile(std::string_view name);

/// Names and sets to rows: "mainstream" (oracles.md 18), "all" (every row that syncs at all), or a row's
/// name. Duplicates are dropped, the first mention keeps its place. Unknown names give one error
/// (ExitCode::kUsage) that lists the known ones.
Result<std::vector<const Profile*>> SelectProfiles(const std::vector<std::string>& names);

/// "ext4,data=journal: META_ORDER=prefix NEWDATA=journal ..." for --list-profiles and the documentation.
std::string DescribeProfile(const Profile& profile);

}  // namespace oldornew
