// Fault table: which errors a file call can meet, as data. Two tables: `local`, what a disk's own
// file system does, and `network`, what NFS, FUSE and quotas add (errors at close, EINTR on regular
// files, stale handles). By default one error of each class that a call can meet is tried; --faults
// all takes every row of both.
#pragma once

#include <vector>

#include "cases/call_kind.h"

namespace oldornew {

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

}  // namespace oldornew
