// What is known of the program's descriptors, so that a write in a loop costs no questions. An
// entry is made when a descriptor is first used for something that matters, and dropped when its
// number can come to mean something else: close, close_range, dup2, dup3 (every other call takes a
// number that is free), F_SETFL. All of them pass the funnel.
#pragma once

#include "interpose/funnel/recorder.h"

namespace oldornew::preload {

struct DescriptorFacts {
  uint64_t dev;
  uint64_t ino;
  uint32_t mode;   // st_mode
  uint32_t flags;  // F_GETFL: access mode, O_APPEND, O_SYNC, O_DSYNC, O_DIRECT, O_PATH count
};

/// 0 and the facts, or -errno. Costs no system call when they are known.
long LookUpDescriptor(int fd, DescriptorFacts* facts);
/// After an open: `flags` as asked for, `state` from fstat.
void RememberDescriptor(int fd, const wire::FileState& state, uint32_t flags);
void ForgetDescriptor(int fd);
void ForgetAllDescriptors();

/// The facts in the form of a record's section: identity and kind only.
wire::FileState StateOf(const DescriptorFacts& facts);

}  // namespace oldornew::preload
