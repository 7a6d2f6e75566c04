// Call kind: what a file call is about, as far as its errors and the judges of faults go.
#pragma once

#include <string>

#include "trace/trace.h"

namespace oldornew {

/// What a file call is about.
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
