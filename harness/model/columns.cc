#include "model/columns.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {
namespace {

template <auto Member>
int Get(const Profile& profile) {
  return static_cast<int>(profile.*Member);
}

template <auto Member>
void Set(Profile* profile, int value) {
  using Type = std::remove_reference_t<decltype(profile->*Member)>;
  profile->*Member = static_cast<Type>(value);
}

template <auto Member>
Column Make(const char* name, const char* meaning, std::vector<ColumnValue> values) {
  return {name, meaning, std::move(values), &Get<Member>, &Set<Member>};
}

std::vector<ColumnValue> NewDataValues(const char* stale) {
  return {{"after_io", "the size follows the data: never shown"},
          {"ordered", "the commit that makes it visible waits for the data: never shown"},
          {"zero", "zeros, until the data is on disk"},
          {"stale", stale},
          {"journal", "data travels in the metadata's transaction"}};
}

const std::vector<ColumnValue> kNoYes = {{"n", "no"}, {"y", "yes"}};
const std::vector<ColumnValue> kWriteback = {
    {"none", "nothing"},
    {"startwb", "its blocks are allocated first; the data itself is not waited for"},
    {"wait", "its data is on disk whenever the next change is"}};

std::vector<Column> AllColumns() {
  return {
      Make<&Profile::after_crash>(
          "AFTER_CRASH", "is anything left after a power cut",
          {{"tree", "what the other columns say"}, {"empty", "nothing at all"}}),
      Make<&Profile::sync_noop>("SYNC_NOOP", "every sync call returns 0 and does nothing", kNoYes),
      Make<&Profile::meta_order>(
          "META_ORDER", "which changes of names, sizes and attributes can be on disk together",
          {{"none", "each on its own, in any mixture"},
           {"txlog", "whole transactions in order, and what was synced since on top"},
           {"prefix", "all up to some moment, and none after it"}}),
      Make<&Profile::overwrite>("OVERWRITE", "how bytes inside allocated blocks change",
                                {{"inplace", "any subset of sectors, at any time"},
                                 {"cow", "a page shows its new version only through metadata"},
                                 {"journal", "in the metadata's transaction"}}),
      Make<&Profile::delalloc>(
          "DELALLOC", "are blocks, and the size, given to new data only at writeback",
          {{"y", "yes: a name can be there before its data and size"},
           {"n", "no: at the write"},
           {"n_at_commit", "every commit first writes back all data before it"}}),
      Make<&Profile::new_data>(
          "NEWDATA", "what a file that grew into new blocks can show where data is missing",
          NewDataValues("what the disk block held before: anything")),
      Make<&Profile::tail_append>(
          "TAILAPPEND", "the same for an append into the allocated last block",
          NewDataValues("not in a tail: its block holds the old bytes and zeros")),
      Make<&Profile::replace>(
          "REPL",
          "what a rename over an existing name does first about the file's unallocated data",
          kWriteback),
      Make<&Profile::truncate_close>("TRCLOSE", "the same for close after O_TRUNC", kWriteback),
      Make<&Profile::trunc>(
          "TRUNC", "the zeroing of the last block against the smaller size",
          {{"torn", "zeros may be there without the size, never the size without them"},
           {"atomic", "both or neither"},
           {"late_zeros", "the size may be there without the zeros"},
           {"unordered", "either without the other"}}),
      Make<&Profile::reuse>("REUSE", "when blocks that a truncation frees can hold other data",
                            {{"after_commit", "not before the truncation is on disk"},
                             {"at_once", "at once: the old file can show anything there"}}),
      Make<&Profile::fsync_file>("FSYNC_FILE", "metadata that fsync of a file forces",
                                 {{"self", "its own size and attributes"},
                                  {"names", "the same, its names, and new directories above it"},
                                  {"prefix", "everything up to the file's last change"},
                                  {"all", "everything before the call"}}),
      Make<&Profile::fsync_dir>("FSYNC_DIR", "metadata that fsync of a directory forces",
                                {{"own", "its own entries"},
                                 {"newrec", "its own entries, and new children all the way down"},
                                 {"prefix", "everything up to the directory's last change"},
                                 {"all", "everything before the call"}}),
      Make<&Profile::datasync_meta>(
          "DATASYNC_META",
          "does fdatasync force attributes and names when no size or block changed",
          {{"strict", "no"}, {"full", "yes, as fsync"}}),
      Make<&Profile::dir_move>(
          "DIRMOVE", "fsync of the new directory may leave a moved file both its names", kNoYes),
      Make<&Profile::tmpfile_link>(
          "TMPFILE_LINK",
          "the first name of a file made without one (O_TMPFILE), by its fsync after linkat",
          {{"kept", "forced"}, {"lost", "not forced"}}),
  };
}

template <typename... Values>
Domain Only(const char* because, Values... values) {
  return {{static_cast<int>(values)...}, because};
}

Domain All(size_t column) {
  Domain domain;
  for (size_t i = 0; i < Columns()[column].values.size(); ++i)
    domain.values.push_back(static_cast<int>(i));
  return domain;
}

enum Place {
  kSurvives,
  kNoop,
  kOrder,
  kOver,
  kAlloc,
  kNew,
  kTail,
  kRepl,
  kClose,
  kTrunc,
  kReuse,
  kFile,
  kDir,
  kDatasync,
  kMove,
  kLink
};

constexpr char kCells[] = "with META_ORDER=none every slot, size and page is on its own";
constexpr char kGone[] = "with AFTER_CRASH=empty nothing is left";
constexpr char kJournalled[] = "with OVERWRITE=journal all data is in the journal";
constexpr char kAtCommit[] = "with DELALLOC=n_at_commit every commit has all data before it";
constexpr char kDeaf[] = "with SYNC_NOOP=y no call forces anything";

// How data gets to disk (model.md, sections 5.3 and 5.4).
Domain DataDomain(const Profile& p, size_t column) {
  using D = Delalloc;
  using N = NewData;
  using T = TruncRule;
  if (p.overwrite == Overwrite::kJournal) {
    if (column == kAlloc) return Only(kJournalled, D::kNo);
    if (column == kNew || column == kTail) return Only(kJournalled, N::kJournal);
    if (column == kTrunc) return Only(kJournalled, T::kAtomic);
    if (column == kReuse) return Only(kJournalled, Reuse::kAfterCommit);
  }
  const bool at_commit = p.delalloc == D::kNotAtCommit;
  switch (column) {
    case kAlloc:
      if (p.overwrite == Overwrite::kCow) return All(column);
      return Only("n_at_commit needs OVERWRITE=cow", D::kYes, D::kNo);
    case kNew:
      if (at_commit) return Only(kAtCommit, N::kAfterIo);
      if (p.delalloc == D::kNo)
        return Only("with DELALLOC=n the size is there at the write", N::kOrdered, N::kZero,
                    N::kStale);
      return Only("journal needs OVERWRITE=journal", N::kAfterIo, N::kOrdered, N::kZero, N::kStale);
    case kTail:
      if (at_commit) return Only(kAtCommit, N::kAfterIo);
      if (p.delalloc == D::kNo)
        return Only("with DELALLOC=n the size is there at the write", N::kZero, N::kOrdered);
      return Only("the rest of an allocated block holds zeros", N::kZero, N::kOrdered, N::kAfterIo);
    case kRepl:
    case kClose:
      if (p.delalloc != D::kYes)
        return Only("only DELALLOC=y leaves data unallocated", Writeback::kNone);
      if (p.new_data == N::kZero || p.new_data == N::kStale) return All(column);
      return Only(
          "where size and data come together (NEWDATA=after_io or ordered), starting writeback "
          "decides "
          "nothing",
          Writeback::kNone, Writeback::kWait);
    case kReuse:
      if (p.overwrite == Overwrite::kInPlace) return All(column);
      return Only(
          "with OVERWRITE=cow nothing that a transaction frees is written before it is on disk",
          Reuse::kAfterCommit);
    default:  // TRUNC
      if (at_commit) return Only(kAtCommit, T::kAtomic);
      if (p.overwrite == Overwrite::kCow)
        return Only("with OVERWRITE=cow zeros show only through metadata", T::kAtomic,
                    T::kLateZeros);
      return All(column);
  }
}

// What sync calls force (model.md, sections 5.5 and 5.6).
Domain SyncDomain(const Profile& p, size_t column) {
  const bool log = p.meta_order == MetaOrder::kTxLog;
  switch (column) {
    case kFile:
      if (p.sync_noop) return Only(kDeaf, FsyncFile::kPrefix);
      return log ? Only(
                       "with META_ORDER=txlog an fsync writes its own values to the log, or "
                       "commits",
                       FsyncFile::kNames, FsyncFile::kAll)
                 : Only("with META_ORDER=prefix what is forced is a prefix", FsyncFile::kPrefix,
                        FsyncFile::kAll);
    case kDir:
      if (p.sync_noop) return Only(kDeaf, FsyncDir::kPrefix);
      return log ? Only(
                       "with META_ORDER=txlog an fsync writes its own values to the log, or "
                       "commits",
                       FsyncDir::kNewRecursive, FsyncDir::kAll)
                 : Only("with META_ORDER=prefix what is forced is a prefix", FsyncDir::kPrefix,
                        FsyncDir::kAll);
    case kDatasync:
      if (p.sync_noop) return Only(kDeaf, DatasyncMeta::kStrict);
      if (log)
        return Only("the log of META_ORDER=txlog holds the whole inode", DatasyncMeta::kFull);
      return All(column);
    case kMove:
      if (p.sync_noop) return Only(kDeaf, false);
      if (log && p.fsync_dir == FsyncDir::kNewRecursive) return All(column);
      return Only("only a log of entries (META_ORDER=txlog, FSYNC_DIR=newrec) can hold half a move",
                  false);
    default:  // TMPFILE_LINK
      if (p.sync_noop) return Only(kDeaf, TmpfileLink::kKept);
      if (!log && p.fsync_file == FsyncFile::kPrefix) return All(column);
      return Only("only FSYNC_FILE=prefix can miss it", TmpfileLink::kKept);
  }
}

}  // namespace

const std::vector<Column>& Columns() {
  static const std::vector<Column> columns = AllColumns();
  return columns;
}

int FindColumn(std::string_view name) {
  const auto& all = Columns();
  auto found =
      std::find_if(all.begin(), all.end(), [&](const Column& c) { return c.name == name; });
  return found == all.end() ? -1 : static_cast<int>(found - all.begin());
}

bool Domain::Contains(int value) const {
  return std::find(values.begin(), values.end(), value) != values.end();
}

Domain DomainOf(const Profile& p, size_t column) {
  if (column == kSurvives) return All(column);
  const bool gone = p.after_crash == AfterCrash::kEmpty;
  if (column == kNoop) return gone ? Only(kGone, true) : Only("", false, true);
  // Where a cell does not apply it has the value of this row, which stands for nothing.
  static const Profile tmpfs = [] {
    Profile none;
    none.meta_order = MetaOrder::kPrefix;
    return none;
  }();
  static const Profile cells = [] {
    Profile none;
    none.new_data = none.tail_append = NewData::kStale;
    none.trunc = TruncRule::kUnordered;
    none.fsync_file = FsyncFile::kSelf;
    none.fsync_dir = FsyncDir::kOwn;
    return none;
  }();
  if (gone) return Only(kGone, Columns()[column].get(tmpfs));
  if (column == kOrder && p.sync_noop)
    return Only("with SYNC_NOOP=y there is nothing to log", MetaOrder::kPrefix, MetaOrder::kNone);
  if (column == kOrder) return Only("", MetaOrder::kPrefix, MetaOrder::kTxLog, MetaOrder::kNone);
  if (p.meta_order == MetaOrder::kNone) return Only(kCells, Columns()[column].get(cells));
  if (column == kOver) {
    if (p.meta_order == MetaOrder::kPrefix) return All(column);
    return Only("the log of META_ORDER=txlog holds no data", Overwrite::kInPlace, Overwrite::kCow);
  }
  return column < kFile ? DataDomain(p, column) : SyncDomain(p, column);
}

std::string CellText(const Profile& profile, size_t column) {
  const Column& c = Columns()[column];
  return DomainOf(profile, column).applies() ? c.values[static_cast<size_t>(c.get(profile))].text
                                             : "-";
}

std::vector<std::string> CheckCells(const Profile& profile) {
  std::vector<std::string> wrong;
  for (size_t i = 0; i < Columns().size(); ++i) {
    const Column& column = Columns()[i];
    const Domain domain = DomainOf(profile, i);
    const int value = column.get(profile);
    if (domain.Contains(value)) continue;
    std::vector<std::string> legal;
    for (int v : domain.values) legal.emplace_back(column.values[static_cast<size_t>(v)].text);
    const char* text = column.values[static_cast<size_t>(value)].text;
    wrong.push_back(domain.applies()
                        ? fmt::format("{}={} does not fit: {}; here it is one of {}", column.name,
                                      text, domain.because, Join(legal, ", "))
                        : fmt::format("{}={} does not fit: {}; leave the cell out", column.name,
                                      text, domain.because));
  }
  return wrong;
}

void Complete(Profile* profile, size_t column) {
  for (size_t i = column + 1; i < Columns().size(); ++i) {
    const Domain domain = DomainOf(*profile, i);
    if (!domain.Contains(Columns()[i].get(*profile))) Columns()[i].set(profile, domain.values[0]);
  }
}

Digest CellsDigest(const Profile& profile) {
  Hasher hasher;
  for (size_t i = 0; i < Columns().size(); ++i)
    hasher.Add(Columns()[i].name).Add(CellText(profile, i));
  return hasher.Finish();
}

std::string CellsText(const Profile& profile) {
  std::vector<std::string> words;
  for (size_t i = 0; i < Columns().size(); ++i) {
    if (DomainOf(profile, i).applies())
      words.push_back(fmt::format("{}={}", Columns()[i].name, CellText(profile, i)));
  }
  return Join(words, " ");
}

Result<Profile> ParseCells(std::string_view text) {
  std::vector<std::string> wrong;
  std::vector<std::pair<size_t, int>> cells;
  for (const std::string& word : Split(text, ' ')) {
    if (word.empty()) continue;
    const size_t equals = word.find('=');
    const int column = FindColumn(word.substr(0, equals));
    if (equals == std::string::npos || column < 0) {
      wrong.push_back(fmt::format("{} is no cell", Quote(word)));
      continue;
    }
    const auto& values = Columns()[static_cast<size_t>(column)].values;
    const auto value = std::find_if(values.begin(), values.end(), [&](const ColumnValue& v) {
      return v.text == word.substr(equals + 1);
    });
    if (value == values.end()) {
      wrong.push_back(fmt::format("{} has no value {}", Columns()[static_cast<size_t>(column)].name,
                                  Quote(word.substr(equals + 1))));
      continue;
    }
    cells.emplace_back(static_cast<size_t>(column), static_cast<int>(value - values.begin()));
  }
  std::sort(cells.begin(), cells.end());
  Profile profile;
  for (auto [column, value] : cells) {
    Columns()[column].set(&profile, value);
    Complete(&profile, column);
  }
  for (std::string& sentence : CheckCells(profile)) wrong.push_back(std::move(sentence));
  if (!wrong.empty()) return FailWith(ExitCode::kUsage, "{}", Join(wrong, "; "));
  return profile;
}

}  // namespace oldornew
