// Profile: what one file system, with one set of mount options, promises about a power cut; a row
// of enum columns.
//
// The columns and the rules that give them their meaning are those of docs/model.md, sections 5 and
// 6. A profile is data: adding a file system means adding a row to the table in profile_table.cc
// and in model.md, section 7, with its source, and litmus states that were observed on it. Which
// values a cell can have, given the others, is in columns.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "model/rules.h"

namespace oldornew {

/// META_ORDER: which sets of metadata groups can be on disk.
enum class MetaOrder : uint8_t {
  kNone,    ///< independent cells (model.md, section 5.7)
  kTxLog,   ///< whole transactions in order, and the fsync log applied on top (5.6)
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
/// group)?
enum class Delalloc : uint8_t {
  kYes,
  kNo,           ///< the group is fixed at the write
  kNotAtCommit,  ///< every commit first writes back all data before it (btrfs flushoncommit)
};

/// REPL (rename over an existing name) and TRCLOSE (close after O_TRUNC): what happens to the data
/// not yet allocated (rule placement).
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

/// TRUNC: the zeroing of the tail page against the new size (rule zero-tail).
enum class TruncRule : uint8_t {
  kTorn,       ///< zeros may be on disk without the new size; the new size implies the zeros
  kAtomic,     ///< both or neither
  kLateZeros,  ///< the new size may be there without the zeros (ext4 data=writeback)
  kUnordered,  ///< either without the other
};

/// REUSE: when blocks that a truncation frees can be given to other data.
enum class Reuse : uint8_t {
  kAfterCommit,  ///< not before the truncation is on disk
  kAtOnce,       ///< at once: until then the old file can show anything there
};
/// FSYNC_FILE: metadata that fsync(file) forces (rule forced-metadata).
enum class FsyncFile : uint8_t { kSelf, kNames, kPrefix, kAll };
/// FSYNC_DIR: metadata that fsync(directory) forces.
enum class FsyncDir : uint8_t { kOwn, kNewRecursive, kPrefix, kAll };
/// DATASYNC_META: does fdatasync force attributes when no size or block changed?
enum class DatasyncMeta : uint8_t { kStrict, kFull };
/// TMPFILE_LINK: does fsync after linkat keep the first name of a file born nameless (L33)?
enum class TmpfileLink : uint8_t { kKept, kLost };
/// AFTER_CRASH: is there anything left to look at (tmpfs)?
enum class AfterCrash : uint8_t { kTree, kEmpty };

/// How a row is known.
enum class Basis : uint8_t {
  kObserved,       ///< real volumes were recorded and replayed (persistence-model.md 2)
  kContract,       ///< what manual pages and kernel documents promise, nothing more
  kDocumentation,  ///< read in documents and source, never measured by this project
  kConstruction,   ///< true by what it is (tmpfs)
  kUser,           ///< a row of the user's own file
};
const char* BasisText(Basis basis);

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
  Reuse reuse = Reuse::kAfterCommit;
  FsyncFile fsync_file = FsyncFile::kPrefix;
  FsyncDir fsync_dir = FsyncDir::kPrefix;
  DatasyncMeta datasync_meta = DatasyncMeta::kStrict;
  bool dir_move = false;   ///< DIRMOVE: fsync(new parent) may keep both names of a moved file
  bool sync_noop = false;  ///< SYNC_NOOP: every sync call returns 0 and forces nothing
  TmpfileLink tmpfile_link = TmpfileLink::kKept;
  AfterCrash after_crash = AfterCrash::kTree;
  RuleSet rules;         ///< all, but in the mutation test
  std::string based_on;  ///< the row it was written as a change of, or empty
  std::string source;    ///< where the row comes from, one line
  std::map<std::string, std::string> cell_sources;  ///< by name of the column
};

/// One cell as a table writes it.
struct CellSpec {
  std::string column;
  std::string value;
  std::string source;
  int line = 0;  ///< of the user's file
};

/// One row as a table writes it: another row with some cells changed.
struct RowSpec {
  std::string name;
  std::string based_on;  ///< empty: the row gives every cell that is not the first of its domain
  Basis basis = Basis::kUser;
  bool mainstream = false;
  std::string source;
  std::vector<CellSpec> cells;
  int line = 0;
};

/// The rows of this program, and those that a user's file adds.
class ProfileTable {
 public:
  /// Number of the built-in table: raised with every change of a cell.
  static constexpr int kNumber = 3;

  static const ProfileTable& BuiltIn();

  /// Adds rows. Errors (usage): every row and cell that does not fit, "file:line: sentence" each,
  /// one to a line; then none is added.
  Status Add(const std::vector<RowSpec>& rows, const std::string& file);

  /// In the order of the table, the user's own last. Pointers stay valid as long as the table.
  std::vector<const Profile*> rows() const;
  const Profile* Find(std::string_view name) const;
  /// As SelectProfiles.
  Result<std::vector<const Profile*>> Select(const std::vector<std::string>& names) const;
  /// "2-3f2a91c0": number and digest of the built-in rows; with rows of the user's
  /// "2-3f2a91c0+5d00c1aa".
  std::string Version() const;

 private:
  std::vector<std::shared_ptr<const Profile>> rows_;
  size_t built_in_ = 0;  // the first so many are
};

/// Every built-in row, in the order of the table: the rows themselves, which FindProfile points to.
std::vector<std::reference_wrapper<const Profile>> Profiles();

/// The built-in row of that exact name, or null.
const Profile* FindProfile(std::string_view name);

/// Names and sets to built-in rows: "mainstream" (oracles.md 18), "all" (every row that syncs at
/// all), or a row's name. Duplicates are dropped, the first mention keeps its place. Unknown names
/// give one error (ExitCode::kUsage) that lists the known ones.
Result<std::vector<const Profile*>> SelectProfiles(const std::vector<std::string>& names);

}  // namespace oldornew
