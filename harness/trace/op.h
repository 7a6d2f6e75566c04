// Op: one system call of the recorded run that changed, or tried to change, or forced to disk,
// something in a file system. Backend-independent: a recording by Syscall User Dispatch, by ptrace
// or from an strace log yields the same ops.
//
// Identity: objects (files, directories, symlinks, ...) have an ObjectId, fixed for their life,
// never reused although inode numbers are. Names are (directory object, component) pairs: whatever
// path, dirfd, cwd or /proc/self/fd route the program took, the recorder has resolved it to the
// objects the kernel acted on. Values (sizes, modes, owners) are as fstat showed them after the
// call, never re-derived (persistence-model.md 7.6.11).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tree/file_tree.h"

namespace oldornew {

using ObjectId = int32_t;
inline constexpr ObjectId kNoObject = -1;

enum class OpKind : uint8_t {
  /// object came to be at (dir, name); dir == kNoObject: O_TMPFILE, no name yet. open, mkdir,
  /// mknod, symlink, bind
  kCreate,
  kLink,    ///< (dir, name) now names object too. link, linkat
  kUnlink,  ///< (dir, name), which named object, is gone. unlink, rmdir
  /// (dir, name) -> (dir2, name2); object moved; `replaced` was there, or kNoObject. flags:
  /// kExchange, kWhiteout
  kRename,
  /// bytes [offset, offset+length) of object; size_after. flags: kSync, kDataSync, kAppend, kDirect
  kWrite,
  /// size_before -> size_after. truncate, ftruncate, open(O_TRUNC) of a non-empty file (flag
  /// kOpenTruncate)
  kTruncate,
  kAllocate,       ///< fallocate: `mode` = FALLOC_FL_*, offset, length, size_after
  kSetAttributes,  ///< mode, uid, gid as they are after the call (all three; also for chmod by ACL)
  kSetXattr,       ///< key, data = value
  kRemoveXattr,    ///< key
  kSetTimes,       ///< utimensat & co: nothing judged depends on the values
  kFsync,          ///< object (file or directory)
  kFdatasync,      ///< object
  kSyncFs,         ///< the file system that holds object
  kSyncAll,        ///< sync(2)
  /// sync_file_range: offset, length, flags in `mode`. Forces nothing (persistence-model.md 7.3 E5)
  kSyncRange,
  /// last close of an open file description for writing on object; flag kOpenTruncate if it was
  /// opened so
  kClose,
  /// write to an acknowledgement channel: name = "stdout", "stderr" or "fd N"; data = bytes
  kOutput,
  kExit,  ///< the main process ended; mode = exit status as the shell shows it (128+n for signal n)
};

enum OpFlags : uint32_t {
  kFlagSync = 1u << 0,      ///< O_SYNC descriptor or RWF_SYNC: write + fsync of the range
  kFlagDataSync = 1u << 1,  ///< O_DSYNC descriptor or RWF_DSYNC: write + fdatasync of the range
  kFlagAppend = 1u << 2,
  kFlagDirect = 1u << 3,    ///< O_DIRECT
  kFlagExchange = 1u << 4,  ///< RENAME_EXCHANGE: `replaced` is now at (dir, name)
  kFlagWhiteout = 1u << 5,  ///< RENAME_WHITEOUT: a whiteout device `extra` is now at (dir, name)
  kFlagOpenTruncate = 1u << 6,
  /// begun, never seen to end (the process was killed in it): may or may not have happened
  kFlagInFlight = 1u << 7,
  kFlagInjected = 1u << 8,  ///< a fault was injected into this call
};

/// True for the kinds that change names: create, link, unlink, rename.
bool ChangesNames(OpKind kind);
/// True for the kinds that change a file's bytes or size: write, truncate, allocate.
bool ChangesData(OpKind kind);
/// True for the kinds that change a mode, an owner or extended attributes; false for times.
bool ChangesAttributes(OpKind kind);
/// True for the kinds that force something to disk: fsync, fdatasync, syncfs, sync. Not
/// sync_file_range.
bool IsSync(OpKind kind);
/// True for the kinds that change bytes, names or attributes of a tree; false for syncs, closes,
/// outputs and times.
bool ChangesTree(OpKind kind);

/// Name of a kind in formats and messages: "create", "link", ...
const char* OpKindName(OpKind kind);

struct Op {
  OpKind kind = OpKind::kWrite;
  uint32_t flags = 0;  ///< OpFlags
  /// 0: done. Else the errno it failed with: no effect on anything. ECANCELED with kFlagInjected:
  /// it was not done, but the program was told that it was. kClose: the descriptor is closed all
  /// the same, but writing back had failed
  int32_t error = 0;
  /// the errno that the program was told although it was done (an injected "error, though done");
  /// then error is 0
  int32_t told = 0;
  uint64_t begin = 0;       ///< ticket when the call began; a < b in the run iff a.end < b.begin
  uint64_t end = 0;         ///< ticket when it returned (0 with kFlagInFlight)
  int32_t process = 0;      ///< index into Trace::processes
  uint32_t thread = 0;      ///< order of creation within the process; 0 = its first
  int32_t syscall = -1;     ///< number on the recording machine, for display
  std::string call;         ///< system call name for display: "openat", "pwrite64"
  int32_t descriptor = -1;  ///< the file descriptor used, or opened; -1 when the call took a path

  ObjectId object = kNoObject;
  ObjectId dir = kNoObject;
  std::string name;
  ObjectId dir2 = kNoObject;
  std::string name2;
  ObjectId replaced = kNoObject;
  ObjectId extra = kNoObject;

  uint64_t offset = 0;
  uint64_t length = 0;     ///< bytes really transferred (a short write is short here)
  uint64_t requested = 0;  ///< bytes asked for
  uint64_t size_before = 0;
  uint64_t size_after = 0;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string key;    ///< xattr name
  uint64_t data = 0;  ///< position of the payload in Trace::payload; its length is `length`

  /// for people: the object's or (dir, name)'s path at the time, relative to the judged directory
  std::string path;
  std::string path2;  ///< rename, link: the other one; symlink: the target text
  /// return addresses, innermost first; resolve with Process::modules. May be empty
  std::vector<uint64_t> stack;
};

}  // namespace oldornew
