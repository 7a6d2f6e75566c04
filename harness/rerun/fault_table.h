// Fault table: which errors a file call can meet, as data. Two tables: `local`, what a disk's own
// file system does, and `network`, what NFS, FUSE and quotas add (errors at close, EINTR on regular
// files, stale handles). By default one error of each class that a call can meet is tried; --faults
// all takes every row of both.
#pragma once

#include <string>
#include <vector>

#include "trace/trace.h"

namespace oldornew {

/// What a file call is about, as far as its errors go.
enum class CallKind : uint8_t {
  kOpen,          ///< of what is there, to read it
  kOpenToChange,  ///< of what is there, to write it
  kCreate,        ///< open with O_CREAT or O_TMPFILE
  kRead,
  kWrite,  ///< write and its like, sendfile, splice, copy_file_range
  kSync,
  kClose,
  kRename,
  kLink,
  kSymlink,
  kUnlink,
  kRemoveDirectory,
  kMakeDirectory,
  kMakeNode,
  kTruncate,
  kAllocate,
  kMode,   ///< chmod and its like
  kOwner,  ///< chown and its like
  kSetXattr,
  kTimes,
  kLook,      ///< stat, access, readlink and their like by path
  kLookOpen,  ///< fstat and its like
  kList,      ///< getdents
  kLock,
  kMap,
  kOther,  ///< nothing is known that could go wrong
};
inline constexpr int kCallKinds = static_cast<int>(CallKind::kOther) + 1;

enum class FaultClass : uint8_t {
  kSpace,        ///< no room: ENOSPC, EDQUOT, EFBIG
  kDevice,       ///< the device or the connexion fails: EIO, ESTALE, ETIMEDOUT
  kDenied,       ///< EACCES, EPERM
  kReadOnly,     ///< EROFS
  kOtherDevice,  ///< EXDEV
  kDescriptors,  ///< EMFILE, ENFILE
  kMemory,       ///< ENOMEM
  kInterrupted,  ///< EINTR
  kBusy,         ///< EBUSY, ETXTBSY
  kUnsupported,  ///< EOPNOTSUPP, EINVAL
  kTooMany,      ///< EMLINK, ENOLCK
};

struct FaultRow {
  CallKind kind = CallKind::kOther;
  int error = 0;
  FaultClass what = FaultClass::kDevice;
  bool network = false;     ///< which table
  bool by_default = false;  ///< the one of its class that is tried when nothing is said
  const char* source = "";  ///< the page that says so: "write(2)"
};

/// Both tables, in the order in which errors are tried.
const std::vector<FaultRow>& FaultTable();

/// The rows for one kind of call: the defaults, or (`all`) every one.
std::vector<FaultRow> FaultsOf(CallKind kind, bool all);

/// Of a call as it was made: an open is sorted by its flags.
CallKind KindOfCall(const FileCall& call);
/// Of a system call that is no open, by its name; opens are kOpen, kCreate for creat.
CallKind KindOfName(const std::string& name);

/// The call only asks: it changes nothing, and transfers no bytes of a file.
bool OnlyLooks(CallKind kind);
/// The call changes names, bytes or attributes.
bool Changes(CallKind kind);
/// An error may be told although the call was carried out: a lost answer of a server (nfs(5)), a
/// journal that fails after the change.
bool CanFailAfterwards(CallKind kind);

}  // namespace oldornew
