// The wire format: what processes under record leave for the decoder, in one shared file.
//
// The file is mapped MAP_SHARED by the launcher and by every process of the run. Its pages belong
// to the page cache, so whatever was stored survives SIGKILL of any writer at any instruction (not
// a crash of the machine; that is not needed).
//
//   offset 0            Header (kHeaderSize bytes reserved)
//   offset kHeaderSize  records, each 64-byte aligned, until Header::tail
//
// A writer reserves space by adding to Header::tail, stores Record::size first (a writer killed
// before that leaves zeros, which a reader skips 64 bytes at a time), fills the fixed part and the
// sections known before the call, and publishes the record by a release store of kBegun. After the
// call it appends sections, sets the results and stores kDone. So a record is at any moment:
// absent, in flight with all that was known before the call, or whole.
//
// This header is shared with the preload library: no libc, no libstdc++, plain integers, __atomic
// builtins only.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "interpose/accounted.h"

namespace oldornew::wire {

inline constexpr uint64_t kMagic = 0x4f4c444f524e4557;  // "WENRODLO" in memory
inline constexpr uint32_t kVersion = 4;
inline constexpr uint64_t kHeaderSize = 32768;
inline constexpr uint64_t kAlign = 64;
// sparse: costs address space, not memory
inline constexpr uint64_t kDefaultSize = uint64_t{8} << 30;
inline constexpr uint32_t kMaxSyscall = 512;  // counters; higher numbers share the last one
inline constexpr uint32_t kMaxRoots = 16;
inline constexpr uint32_t kMaxChannels = 8;
inline constexpr uint32_t kMaxHandOvers = 16;
inline constexpr uint32_t kMaxInjections = 16;
inline constexpr uint32_t kMaxGlob = 256;        // bytes of a glob, with its NUL
inline constexpr uint32_t kMaxRootPaths = 4096;  // bytes of the paths of all roots

struct FileId {
  uint64_t dev;  // as st_dev (the 64-bit form of stat(2)); 0/0 = none
  uint64_t ino;
};

/// What fstat(2) said of a file. mode == 0: there was none, or it was not asked for.
struct FileState {
  uint64_t dev;
  uint64_t ino;
  uint64_t rdev;
  uint64_t size;
  uint32_t mode;  // with the file type
  uint32_t uid;
  uint32_t gid;
  uint32_t nlink;
};

enum HeaderFlags : uint32_t {
  /// EROFS means "outside the sandbox": refuse and stop the run (interposition.md 13.1)
  kRefuseReadOnly = 1u << 0,
  /// no mount namespace: paths are checked against Header::roots before the call
  kCheckRoots = 1u << 1,
  /// the kernel's count of written bytes (/proc/PID/io) is exact here: compare it
  kKernelCounts = 1u << 2,
};

/// A descriptor whose writes are acknowledgements (oracles.md 2), by the identity of what it is
/// open on.
struct Channel {
  FileId id;
  int32_t descriptor;  // 1: stdout, 2: stderr, else the number in the launcher's terms ("fd N")
  uint32_t unused;
};

/// A thread under the preload library that is about to execute an image which the library cannot
/// enter asks the tracer to take over: it puts its id and kAsked here, wakes the tracer through the
/// FIFO "<recording>.door" (kDoor), and waits for the state to change (a futex). If nobody answers
/// it goes on alone.
struct HandOver {
  uint32_t thread;  // 0: free
  uint32_t state;   // HandOverState
};

enum HandOverState : uint32_t {
  kAsked = 1,
  kTaken = 2,    ///< attached: the exec may be tried
  kRefused = 3,  ///< not possible
  kFailed = 4,   ///< by the thread: the exec has failed, let go. The tracer frees the entry
};

/// What the plan wants (plan.h): Header::planned.
enum PlanFlags : uint32_t {
  kSurvey = 1u << 0,  ///< a kFileCall for every file call on something in the sandbox
  kInject = 1u << 1,  ///< there are rules
};

/// One injection (plan.h).
struct Rule {
  uint64_t calls[kMaxSyscall / 64];  // by number, a bit each
  char path[kMaxGlob];               // empty: any
  int64_t value;
  int32_t error;
  int32_t signal;
  uint32_t kind;  // Injection::Kind
  uint32_t after;
  uint32_t first;
  uint32_t last;
  uint32_t step;
  uint32_t matched;   // written by everybody: calls that it fitted so far ...
  uint32_t happened;  // ... and those to which it happened
  uint32_t unused;
};

inline constexpr char kDoor[] = ".door";

/// Roots of the sandbox that lie on one mount for the user are mounts of their own in the view,
/// between which the kernel moves and links nothing. Here, next to the recordings, one mount shows
/// all of them: each as a symlink named by its place in Header::root_paths ("0"). Where there are
/// none, nothing meets.
inline constexpr char kMeetingPlace[] = "/proc/driver/meet";

/// In the environment: which recording a process is to map.
inline constexpr char kRecordingVariable[] = "OLDORNEW_RECORDING=";
/// In the environment of what is executed under a filter of the program (preload/filter.cc).
inline constexpr char kUnderFilter[] = "OLDORNEW_UNDER_FILTER=1";

struct Header {
  // Set once by the launcher before the first process starts.
  uint64_t magic;
  uint32_t version;
  uint32_t flags;          // HeaderFlags
  uint64_t size;           // of the whole file; records never reach beyond it
  uint32_t root_count;     // roots of kCheckRoots
  uint32_t channel_count;  // 0: descriptors 1 and 2 by number
  FileId roots[kMaxRoots];
  Channel channels[kMaxChannels];
  uint32_t tracer;   // process id of the one who takes over; 0: nobody does
  uint32_t planned;  // PlanFlags
  uint32_t rule_count;
  uint32_t unused;
  HandOver hand_overs[kMaxHandOvers];
  // those that the plan has to look at, by number, a bit each
  uint64_t planned_calls[kMaxSyscall / 64];
  // of the sandbox, as programs see them: each ended by NUL, the judged one first, all ended by an
  // empty one
  char root_paths[kMaxRootPaths];
  Rule rules[kMaxInjections];

  // Written by everybody. Each hot word has a cache line of its own.
  alignas(64) uint64_t tail;    // bytes reserved after kHeaderSize
  alignas(64) uint64_t ticket;  // next ticket; tickets start at 1
  // a PI futex: serialises calls that change files (owner's tid and FUTEX_* bits)
  alignas(64) uint32_t lock;
  alignas(64) uint32_t stop;  // 0: run on. 1: end at the next recorded call (a call was refused)
  alignas(64) uint32_t overflowed;  // 1: a record did not fit; the recording is incomplete
  uint32_t processes_started;       // process images that announced themselves
  uint32_t processes_armed;         // ... and in which every system call is now seen
  uint32_t unrecorded;              // mutating calls that could not be recorded for another reason
  uint32_t accounts;                // accounts opened: the last one's number
  uint64_t tickets_dropped;         // taken for a call that then needed no record
  alignas(64) uint64_t calls[kMaxSyscall];  // calls that reached the funnel, by number
};
static_assert(sizeof(Header) <= kHeaderSize);

enum class RecordKind : uint16_t {
  kPad = 0,  ///< reserved and given up: skip `size` bytes
  // Processes. `child` is Record::other_pid.
  /// a process image announces itself. kProgram, kArguments, kMaps. other_pid = parent.
  /// kKernelCounted: offset
  kProcessStart,
  kForked,  ///< a child made by fork/clone announces itself (no new image). other_pid = parent
  /// fork, vfork, clone, clone3 returned in the parent. flags: kIsThread. other_pid = child
  kClone,
  kThreadStart,  ///< a thread announces itself
  kExec,         ///< execve or execveat is about to be carried out. kPath, kArguments
  kExecFailed,   ///< ... it returned: ret
  kExit,         ///< exit_group (or exit): ret = status. kKernelCounted: offset
  /// wait4 or waitid told that a child has ended. other_pid = child, mode_arg = status as of wait4
  kReaped,
  kAccount,  ///< kCounters: lives on, in place, as long as the process image does
  // Descriptors, as far as the closing of files opened for writing depends on them.
  kOpen,  ///< open for writing, or creating, or truncating
  /// close of a descriptor open for writing on a regular file, or dup2 over one. args as issued
  kClose,
  kDup,         ///< dup, dup2, dup3, F_DUPFD: descriptor -> ret
  kCloexec,     ///< F_SETFD: args[2] & FD_CLOEXEC
  kCloseRange,  ///< close_range
  /// a file open for writing was mapped: the mapping holds it open beyond its last close.
  /// descriptor
  kMapped,
  kModules,  ///< something executable was mapped: kMaps again
  // Data
  /// write, pwrite, writev, ..., sendfile, splice, copy_file_range, FICLONE: offset, length, kData
  kWrite,
  kTruncate,  ///< truncate, ftruncate
  kAllocate,  ///< fallocate: mode_arg, offset, length
  // Durability
  kFsync,
  kFdatasync,
  kSyncFs,
  kSyncAll,
  kSyncRange,
  kMsync,
  // Names
  kMakeNode,  ///< mkdir, mknod, symlink, bind: kObjectAfter, kTarget
  kLink,      ///< kObjectAfter at (dir2, name2)
  kUnlink,    ///< unlink, rmdir, unlinkat: kObjectBefore at (dir, name)
  /// kObjectBefore at (dir, name) -> (dir2, name2), kOtherBefore was there. mode_arg = RENAME_*
  kRename,
  // Metadata
  kSetAttributes,  ///< chmod, chown & co
  kSetXattr,       ///< kKey, kData
  kRemoveXattr,    ///< kKey
  kSetTimes,
  // The rest
  kOutput,       ///< bytes written to an acknowledgement channel: descriptor, kData
  kMapShared,    ///< a shared writable mapping of a regular file came to be
  kUnsupported,  ///< kReason says why this run cannot be judged
  /// a file call on something in the sandbox, in addition to its other record: kPath,
  /// kPath2 (absolute), length = bytes asked for, ret = what the kernel gave (0 if it was not
  /// carried out), offset = what was reported to the program
  kFileCall,
  /// the call would have changed something outside; it was not carried out. kPath resolved
  kRefused,
  kCount
};

/// How a call reached the funnel. Records that are no call's have none.
enum class Route : uint8_t {
  kNone = 0,
  kDispatch = 1,  ///< SIGSYS by Syscall User Dispatch: complete, about 2 us
  kPatch = 2,     ///< the call site was rewritten into a jump: about 50 ns
  kTrace = 3,     ///< a ptrace stop, seen by the tracer: complete, about 10 us
};

enum class RecordState : uint32_t { kEmpty = 0, kBegun = 1, kDone = 2 };

enum RecordFlags : uint32_t {
  kIsThread = 1u << 0,  ///< kClone: the child shares the address space and is of the same process
  kSharesFiles = 1u << 1,  ///< kClone: CLONE_FILES
  kCreated = 1u << 2,      ///< kOpen: the call created the file
  kTruncated = 1u << 3,    ///< kOpen: the file existed, was not empty, and O_TRUNC cut it
  kUnnamed = 1u << 4,      ///< kOpen: O_TMPFILE
  kAppended = 1u << 5,     ///< kWrite: O_APPEND or RWF_APPEND was in force
  kSynced = 1u << 6,       ///< kWrite: O_SYNC or RWF_SYNC
  kDataSynced = 1u << 7,   ///< kWrite: O_DSYNC or RWF_DSYNC
  kDirect = 1u << 8,       ///< kWrite: O_DIRECT
  /// kWrite: the bytes could not be read; the recording is incomplete if it is judged
  kPayloadMissing = 1u << 9,
  kUnresolved = 1u << 10,  ///< identity could not be found out; the recording is incomplete
  /// kProcessStart, kExit: offset is wchar of /proc/self/io, and nothing was being written while it
  /// was read. kExit: length is Account::written at that moment
  kKernelCounted = 1u << 12,
  /// kSetXattr: the kernel keeps no such attribute (an ACL that says no more than the mode)
  kValueAbsent = 1u << 11,
};

/// What a variable part of a record holds.
enum class SectionType : uint16_t {
  kEnd = 0,
  kPath,  ///< path as the program gave it (or resolved: kRefused, kMapShared), for people
  kPath2,
  kName,       ///< last component at dir
  kName2,      ///< last component at dir2
  kTarget,     ///< symlink target
  kKey,        ///< xattr name
  kData,       ///< payload, exactly as the kernel got it
  kReason,     ///< sentence
  kProgram,    ///< path of the image
  kArguments,  ///< NUL-terminated strings
  kMaps,       ///< /proc/self/maps
  /// words at Record::stack_pointer + 8 * (word >> 48) with the value of the lower 48 bits: what
  /// may be an address of code or of the stack. One word only: Record::begin of the record that has
  /// the same stack
  kStack,
  kObjectBefore,  ///< FileState of the file acted on
  kObjectAfter,
  kOtherBefore,  ///< FileState of what was at (dir2, name2)
  /// FileState of what is at (dir, name) after a rename: a whiteout, or the exchanged file
  kOtherAfter,
  kCounters,  ///< Account
};

struct Section {
  uint16_t type;  // SectionType
  uint16_t unused;
  uint32_t length;  // bytes that follow; the next section starts at the next multiple of 8
};

/// The fixed part; sections follow up to `used`.
struct Record {
  uint32_t size;   // whole record, a multiple of kAlign; stored first
  uint32_t state;  // RecordState, stored last (release)
  uint64_t begin;  // ticket
  uint64_t end;    // ticket, 0 until done
  uint32_t used;   // bytes of this record that mean something
  uint16_t kind;   // RecordKind
  uint16_t route;  // Route
  int32_t pid;     // as the process sees itself
  int32_t tid;
  uint32_t thread;  // order of creation within the process; 0 = its first
  int32_t nr;       // system call number
  int64_t ret;      // as the kernel returned it: -errno on failure
  uint64_t args[6];
  uint64_t ip;  // of the system call instruction in the program
  uint64_t stack_pointer;
  uint64_t frame_pointer;
  uint32_t flags;      // RecordFlags
  int32_t descriptor;  // used or opened; -1 for none
  FileId dir;          // directory in which `name` stands
  FileId dir2;
  uint64_t offset;
  uint64_t length;  // asked for
  int32_t other_pid;
  uint32_t mode_arg;    // FALLOC_FL_*, RENAME_*, SYNC_FILE_RANGE_*
  uint32_t open_flags;  // O_* of the descriptor (F_GETFL) or of the open
  uint32_t account;     // in which the call is counted; 0: none yet
  int32_t told;         // errno that an injection reported although the call was done
  uint32_t injection;   // what happened to the call: index of the rule + 1; 0: nothing
};
static_assert(sizeof(Record) % 8 == 0 && sizeof(Record) <= 256);
static_assert(sizeof(FileState) == 48 && sizeof(Section) == 8);

/// How often a call came by, in one process image. A call that came back and was not passed by left
/// a record.
struct CallAccount {
  uint32_t entered;
  uint32_t returned;
  uint32_t passed;  // without a record: it failed, or what it acted on is no file
};

/// The account of a process image (of a forked child: from the fork on). Written by all its
/// threads.
struct Account {
  // bytes that write, sendfile and copy_file_range and their relatives transferred
  uint64_t written;
  uint32_t threads_cloned;   // begun to be made
  uint32_t threads_started;  // announced
  CallAccount calls[kAccountRoom];
};

constexpr uint64_t AlignUp(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Bytes a section with `length` bytes takes in a record.
constexpr uint64_t SectionSize(uint64_t length) { return sizeof(Section) + AlignUp(length, 8); }

}  // namespace oldornew::wire
