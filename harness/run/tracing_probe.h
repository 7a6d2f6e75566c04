// A trial in a child process: whether programs can be traced on this machine.
#pragma once

#include "base/result.h"

namespace oldornew {

/// Traces a child and stops it at one call that a seccomp filter chooses, as the tracer does.
/// Leaves nothing behind. Errors say in words what was refused. Once it has worked in this process
/// it is not tried again.
Status ProbeTracing();

}  // namespace oldornew
