// From the recording file (wire.h) to a Trace: identities become objects, calls become ops.
//
// Method. Records are read front to back and sorted by end ticket. (dev, ino) pairs are mapped to
// objects: those of the old tree first; a create always makes a new object, so a reused inode
// number never means the old file. A name is judged by its directory: calls whose directory (or
// file) belongs to no root are dropped and counted. Ops carry what the records say was at a name,
// so LiveTree (trace.h) finds out when somebody changed the tree unseen by the recorder.
//
// Completeness (interposition.md 13.3): every fork must be followed by the child's announcement (or
// by its death by a signal: a child runs nothing of the program before it has announced itself),
// every exec by the new image's or by its failure; no overflow, no refused call, no unresolved
// record. Each violation is an Obstacle.
#pragma once

#include <string>

#include "base/result.h"
#include "interpose/record_view.h"
#include "trace/trace.h"
#include "tree/file_tree.h"

namespace oldornew {

class Unwinder;

/// Files whose content nobody expects to survive (oracles.md 3): SQLite rebuilds its shared-memory
/// index from the log, LMDB its table of readers when the first process opens the environment
/// (lmdb.h: MDB_NOSUBDIR names it "NAME-lock").
inline constexpr const char* kVolatileGlobs[] = {"*-shm", "lock.mdb", "*.mdb-lock"};

/// What the decoder saw and left out; for reports and tests.
struct DecodeStatistics {
  uint64_t records = 0;    ///< of any kind
  uint64_t in_flight = 0;  ///< begun, never done
  uint64_t outside = 0;    ///< calls on files and names outside every root, dropped
  uint64_t calls = 0;      ///< system calls that reached the funnel
};

/// `trace->new_tree`, if it is there already, supplies what was stored through mappings that nobody
/// judges (SQLite's -shm). Fills `trace->objects`, `ops`, `processes`, `payload` and appends to
/// `obstacles`. `trace->old_tree` and `roots` may be filled before or after; when `roots` is there,
/// display paths below roots other than the judged one start with theirs. Errors: the file cannot
/// be read or is no recording of this version (both numbers are named). `main_exited`: the main
/// process is known to have exited, not to have been killed. `unwinder`: kept by callers that
/// decode the runs of the same programs again and again.
Status DecodeRecording(const std::string& recording_path, const CapturedTree& old_tree,
                       Trace* trace, DecodeStatistics* statistics = nullptr,
                       bool main_exited = false, Unwinder* unwinder = nullptr);

/// The same for records that are in memory, of whatever origin. `proof`: how far the records prove
/// themselves complete is looked at too (completeness.h); what is not of our own recorder can not.
void DecodeRecords(const wire::Header& header, const RecordList& list, const CapturedTree& old_tree,
                   Trace* trace, bool proof, DecodeStatistics* statistics = nullptr,
                   bool main_exited = false, Unwinder* unwinder = nullptr);

/// "openat" for 257; "syscall 999" for an unknown number (x86-64).
std::string SyscallName(int number);

}  // namespace oldornew
