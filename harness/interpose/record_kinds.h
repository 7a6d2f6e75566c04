// What a system call leaves in the recording when it concerns a judged file: the column `record` of
// syscalls.def. Shared with the preload library.
#pragma once

#include "interpose/syscall_numbers.h"
#include "interpose/wire.h"

namespace oldornew::wire {

/// kPad: of calls that leave no record, or one that depends on their arguments.
constexpr RecordKind RecordKindOf(long nr) {
  using enum RecordKind;
  constexpr RecordKind kNone = kPad;
  switch (nr) {
#define SYSCALL(name, shape, handler, record, ...) \
  case __NR_##name:                                \
    return k##record;
#include "interpose/syscalls.def"
    default:
      return kNone;
  }
}

/// setxattr, removexattr and their relatives.
constexpr bool IsXattrCall(long nr) {
  const RecordKind kind = RecordKindOf(nr);
  return kind == RecordKind::kSetXattr || kind == RecordKind::kRemoveXattr;
}

}  // namespace oldornew::wire
