#include "model/profile_table.h"

namespace oldornew {
namespace {

constexpr char kMeasured[] =
    "persistence-model.md 7.4; 75 litmus tests recorded and replayed on Linux 6.18";

// The table. A row gives what sets it apart from the one it is based on, so that a reader sees the
// difference between two mount options and nothing else. The number in a cell's source is the
// section of persistence-model.md; Lnn are litmus tests, harness/model/litmus. Cells that do not
// apply in a row (columns.h) are not given: where 7.4 has "startwb" in a row of NEWDATA=after_io,
// 7.6.2 says that it has no effect.
std::vector<RowSpec> Ext4Row() {
  return {
      {"ext4",
       "",
       Basis::kObserved,
       true,
       kMeasured,
       {{"META_ORDER", "prefix", "3(c): L06, L06c, L06d, X1; the journal is one sequence"},
        {"OVERWRITE", "inplace", "3(g): L10, L11, L15"},
        {"DELALLOC", "y", "1.1, 3(e): L05, L08, L37"},
        {"NEWDATA", "zero",
         "1.1: unwritten extents, the size is journalled when the I/O is submitted: L07d, L09w, "
         "L30, L35"},
        {"TAILAPPEND", "zero", "1.3: L09s"},
        {"REPL", "startwb", "1.2: auto_da_alloc starts writeback and does not wait: L07, L07d"},
        {"TRCLOSE", "startwb", "3(h): L12, L12d"},
        {"TRUNC", "torn", "1.4: L13"},
        {"REUSE", "after_commit", "note of 2026-11-22: L13, R20"},
        {"FSYNC_FILE", "prefix",
         "3(a), 7.6.3: L01 to L04, X01, X02; an ancestor's rename is not forced: L40"},
        {"FSYNC_DIR", "all",
         "1.8: since 6.5 fsync of anything but a regular file commits the whole journal: L31, L52"},
        {"DATASYNC_META", "strict", "3(i): L14b, L14d"},
        {"TMPFILE_LINK", "kept", "3(l): L33"}}},
  };
}

std::vector<RowSpec> Ext4Variants() {
  return {
      {"ext4,noauto_da_alloc",
       "ext4",
       Basis::kObserved,
       true,
       kMeasured,
       {{"REPL", "none", "3(e): L07, L07d"}, {"TRCLOSE", "none", "3(h): L12, L12d"}}},
      {"ext4,dioread_lock",
       "ext4",
       Basis::kObserved,
       true,
       "persistence-model.md 7.4; 75 litmus tests on Linux 6.18; the documented behaviour, and "
       "about what "
       "kernels up to 5.5 did",
       {{"NEWDATA", "ordered",
         "1.2, 3(f): blocks are allocated written, so the commit waits: L07d, L09w, L30"},
        {"REPL", "wait",
         "7.4(1): blocks are allocated before the rename, so its commit waits: L07d"},
        {"TRCLOSE", "wait", "7.4(1): L12d"}}},
      {"ext4,nodelalloc",
       "ext4",
       Basis::kObserved,
       true,
       kMeasured,
       {{"DELALLOC", "n", "3, sub-modes: write() allocates: L05, L08, L37"},
        {"NEWDATA", "ordered", "3(f): L07d, L09w, L30"}}},
      {"ext4,data=writeback",
       "ext4",
       Basis::kObserved,
       true,
       "persistence-model.md 1.12, 7.4; rests on 6 tests only (stale-fill suite)",
       {{"TRUNC", "late_zeros", "1.4, 7.6.9: the tail's zeros are no ordered data here"},
        {"REUSE", "at_once", "note of 2026-11-22: L13 recorded live"}}},
      {"ext4,data=writeback,dioread_lock",
       "ext4,data=writeback",
       Basis::kObserved,
       true,
       kMeasured,
       {{"NEWDATA", "stale", "1.12, 3(f): L07d, L09w, L30, L35"},
        {"TRUNC", "late_zeros", "1.4, 7.6.9: L13"}}},
      {"ext4,data=journal",
       "ext4",
       Basis::kObserved,
       true,
       kMeasured,
       {{"OVERWRITE", "journal", "3(g): L10, L11, L15, L22; NEWDATA, TAILAPPEND and TRUNC follow"},
        {"FSYNC_FILE", "prefix",
         "7.4(5): not all, although the source calls ext4_force_commit: a clean file's fsync left "
         "a rename "
         "undone, L40"}}},
      {"ext4@<6.5",
       "ext4",
       Basis::kDocumentation,
       true,
       "from documentation: persistence-model.md 1.8, 7.4(4); fs/ext4/fsync.c before 6.5",
       {{"FSYNC_DIR", "prefix", "1.8: commits the directory's own i_sync_tid"}}},
      {"ext4,fast_commit",
       "ext4",
       Basis::kObserved,
       false,
       "persistence-model.md 1.9, 7.6.18: as ext4 in 74 of 75 tests, plus the loss of L33",
       {{"TMPFILE_LINK", "lost", "1.9: L33"}}},
  };
}

std::vector<RowSpec> XfsRow() {
  return {
      {"xfs",
       "",
       Basis::kObserved,
       true,
       kMeasured,
       {{"META_ORDER", "prefix", "3(c): xfs-delayed-logging-design.rst; L06, L06c, L06d, X1"},
        {"OVERWRITE", "inplace", "3(g): L10, L11, L15"},
        {"DELALLOC", "y", "3(e): L05, L08"},
        {"NEWDATA", "after_io", "3(f): L09w, L30, L35"},
        {"TAILAPPEND", "after_io", "3(f): L09s"},
        {"REPL", "none", "3(e): no heuristic on rename: L07, L07d"},
        {"TRCLOSE", "none",
         "7.6.2: startwb (3(h)) has no effect where the size follows the data: L12, L12d"},
        {"TRUNC", "atomic", "7.4(2): L13"},
        {"REUSE", "after_commit", "note of 2026-11-22: L13, R20"},
        {"FSYNC_FILE", "prefix", "3(a), 7.6.3: L01 to L04, X01, X02, L40"},
        {"FSYNC_DIR", "prefix", "1.8: a no-op when the directory's inode is clean: L31"},
        {"DATASYNC_META", "full", "3(i): L14b, L14d"},
        {"TMPFILE_LINK", "kept", "3(l): L33"}}},
  };
}

std::vector<RowSpec> BtrfsRows() {
  return {
      {"btrfs",
       "",
       Basis::kObserved,
       true,
       kMeasured,
       {{"META_ORDER", "txlog", "1.6, 7.6.4: L06, L06c, L23"},
        {"OVERWRITE", "cow", "3(g): L10, L11, L15, L16c"},
        {"DELALLOC", "y", "3(e): L05, L08"},
        {"NEWDATA", "after_io", "3(f): L09w, L30, L35"},
        {"TAILAPPEND", "after_io", "3(f): L09s"},
        {"REPL", "none",
         "7.6.2: startwb (best effort since 3.17) has no effect where the size follows the data: "
         "L07, L07d"},
        {"TRCLOSE", "none", "7.6.2: as REPL: L12, L12d"},
        {"TRUNC", "atomic", "L13"},
        {"FSYNC_FILE", "names", "3(a): L01 to L04, L39, L56"},
        {"FSYNC_DIR", "newrec", "3(b): L05b, L31, L32"},
        {"DIRMOVE", "y", "1.5: L20b, L59"}}},
      {"btrfs,flushoncommit",
       "btrfs",
       Basis::kObserved,
       true,
       kMeasured,
       {{"DELALLOC", "n_at_commit",
         "7.6.4, 7.6.18: L07d, L08, L09; it does not help fsync of a directory: L05"}}},
      {"btrfs,notreelog",
       "btrfs",
       Basis::kObserved,
       true,
       kMeasured,
       {{"META_ORDER", "prefix", "1.6: every fsync commits: L06, L06c, L23"},
        {"FSYNC_FILE", "prefix", "7.4: L01 to L04, L40"},
        {"FSYNC_DIR", "prefix", "1.8: L31"},
        {"DATASYNC_META", "full", "3(i): L14b, L14d"},
        {"TMPFILE_LINK", "kept", "3(l): L33"}}},
      {"btrfs,nodatacow",
       "btrfs",
       Basis::kObserved,
       true,
       kMeasured,
       {{"OVERWRITE", "inplace", "3(g): L10, L11, L15"},
        {"TRUNC", "atomic", "L13"},
        {"REUSE", "after_commit", "note of 2026-11-22: L13, R20"}}},
  };
}

std::vector<RowSpec> F2fsRows() {
  return {
      {"f2fs",
       "",
       Basis::kDocumentation,
       false,
       "from documentation: persistence-model.md 3, 6, 7.4; f2fs.rst fsync_mode=posix",
       {{"META_ORDER", "txlog", "7.4: checkpoint and roll-forward"},
        {"OVERWRITE", "inplace", "7.4: the weaker of log-structured and in-place update"},
        {"DELALLOC", "y", "7.4"},
        {"NEWDATA", "stale",
         "3(f): after_io, but a roll-forward within one flush window can show a block whose data "
         "never "
         "landed"},
        {"TAILAPPEND", "zero",
         "7.4, uncertain there; a block that landed before holds its bytes and zeros"},
        {"REPL", "none", "7.4, uncertain there: the weaker value"},
        {"TRCLOSE", "none", "7.4, uncertain there: the weaker value"},
        {"TRUNC", "torn", "7.4, uncertain there: the weaker value"},
        {"REUSE", "after_commit", "3: freed segments wait for the checkpoint"},
        {"FSYNC_FILE", "names", "3(a): dentry mark and i_pino, or a checkpoint"},
        {"FSYNC_DIR", "all", "3(b): anything but a regular file: a full checkpoint"}}},
      {"f2fs,fsync_mode=strict",
       "f2fs",
       Basis::kDocumentation,
       false,
       "from documentation: persistence-model.md 6, 7.4; f2fs.rst fsync_mode=strict",
       {{"META_ORDER", "prefix", "7.4: in line with xfs, ext4 and btrfs (generic/342)"},
        {"NEWDATA", "after_io", "7.4"},
        {"TAILAPPEND", "after_io", "7.4"},
        {"FSYNC_FILE", "prefix", "7.4"},
        {"FSYNC_DIR", "prefix", "7.4"},
        {"DATASYNC_META", "full", "7.4, uncertain there"},
        {"TMPFILE_LINK", "kept", "7.4: intended"}}},
  };
}

std::vector<RowSpec> OtherRows() {
  return {
      {"ext4:contract",
       "ext4,dioread_lock",
       Basis::kContract,
       false,
       "persistence-model.md 7.6.18; admin-guide/ext4.rst",
       {{"FSYNC_DIR", "prefix", "7.6.18"}, {"TRUNC", "torn", "7.6.18"}}},
      {"xfs:contract",
       "xfs",
       Basis::kContract,
       false,
       "persistence-model.md 7.6.18; xfs-delayed-logging-design.rst",
       {{"FSYNC_DIR", "prefix", "7.6.18"}, {"TRUNC", "torn", "7.4(2), 7.6.18"}}},
      {"btrfs:contract",
       "posix",
       Basis::kContract,
       false,
       "persistence-model.md 7.6.18: no published contract, reads as posix",
       {}},
      {"f2fs:contract",
       "posix",
       Basis::kContract,
       false,
       "persistence-model.md 7.6.18: no published contract, reads as posix",
       {}},
      {"posix",
       "",
       Basis::kContract,
       false,
       "persistence-model.md 7.6.6; fsync(2), fdatasync(2), sync(2), and nothing else",
       {{"META_ORDER", "none",
         "7.6.6: independent cells, which says all that the other columns would"}}},
      {"overlay",
       "ext4",
       Basis::kDocumentation,
       false,
       "from documentation: persistence-model.md 3 (OV1), 7.4: the upper file system's row, here "
       "ext4; a "
       "copy-up is whole "
       "before it shows. For another upper one, base a row of your own on its row",
       {}},
      {"overlay,volatile",
       "overlay",
       Basis::kObserved,
       false,
       "persistence-model.md 3 (OV2v, OV3v): all sync calls return 0 and are skipped; upper file "
       "system ext4",
       {{"SYNC_NOOP", "y", "3: OV2v, OV3v"}}},
      {"tmpfs",
       "",
       Basis::kConstruction,
       false,
       "persistence-model.md 3: nothing survives",
       {{"AFTER_CRASH", "empty", "3: memory"}}},
  };
}

}  // namespace

const std::vector<RowSpec>& BuiltInRows() {
  static const std::vector<RowSpec> rows = [] {
    std::vector<RowSpec> all;
    for (auto make : {Ext4Row, Ext4Variants, XfsRow, BtrfsRows, F2fsRows, OtherRows}) {
      for (RowSpec& row : make()) all.push_back(std::move(row));
    }
    return all;
  }();
  return rows;
}

}  // namespace oldornew
