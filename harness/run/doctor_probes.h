// Trials in child processes that the doctor makes: what the kernel lets this process do. Each
// leaves nothing behind.
#pragma once

#include "base/result.h"

namespace oldornew::doctor {

/// Traces a child and stops it at one call chosen by a seccomp filter, as a tracing recorder would.
/// Errors say what was refused, in words. Once it has worked in this process it is not tried again.
Status ProbeTracing();

/// Makes a user and a mount namespace in a child. Returns 0 or the errno of the first step that
/// fails.
int ProbeUserNamespace();

}  // namespace oldornew::doctor
