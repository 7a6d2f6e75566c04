// The warden's own side: everything that happens after fork, in the keeper and in the warden (run/warden.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/view.h"
#include "run/warden.h"

namespace oldornew {

/// First message of a warden: whether its view stands.
struct WardenHello {
  int32_t ready = 0;
  int32_t home_overlay = 0;
  char problem[512] = {};  ///< of the view, or, when ready, of the home overlay
};

/// Head of a request: it travels as a memory file with the descriptors; the socket message itself is one
/// byte. Behind it: descriptor_count int32 numbers, then NUL-ended strings: directory, recording to trace
/// into (or empty), command words, environment entries.
struct WardenRequestHead {
  uint32_t word_count = 0;
  uint32_t environment_count = 0;
  uint32_t descriptor_count = 0;
  uint32_t process_limit = 0;
  uint64_t tracer_stands_by = 0;
  uint64_t time_limit_ms = 0;
};

/// At most this many descriptors go with one request (the kernel's SCM_MAX_FD is 253).
inline constexpr size_t kMaxDescriptors = 64;

/// Body of the keeper; never returns. REQUIRES: freshly forked.
[[noreturn]] void RunKeeper(const ViewPlan& plan, int socket, int lifeline);

}  // namespace oldornew
