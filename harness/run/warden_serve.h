// The warden's own side: everything that happens after fork, in the keeper and in the warden
// (run/warden.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/packet.h"
#include "run/view.h"
#include "run/warden.h"

namespace oldornew {

/// First message of a warden: whether its view stands.
struct WardenHello {
  int32_t ready = 0;
  int32_t home_overlay = 0;
  int32_t fill = 0;  ///< not ready yet: with this come the mounts in memory, and "go" is waited for
  char problem[512] = {};  ///< of the view, or, when ready, of the home overlay
};

/// Head of a request: it travels as a memory file with the descriptors; the socket message itself
/// is one byte. Behind it: descriptor_count int32 numbers, then NUL-ended strings: directory,
/// recording to trace into (or empty), command words, environment entries.
struct WardenRequestHead {
  uint32_t word_count = 0;
  uint32_t environment_count = 0;
  uint32_t descriptor_count = 0;
  uint32_t process_limit = 0;
  uint64_t last_pid = 1;
  uint64_t tracer_stands_by = 0;
  uint64_t time_limit_ms = 0;
};

/// What a request to limit the room in a mount in memory is, as a whole.
struct WardenLimit {
  char byte = 'l';
  uint8_t which = 0;
  uint8_t limits_bytes = 0;
  uint8_t limits_inodes = 0;
  uint64_t free_bytes = 0;
  uint64_t free_inodes = 0;
};

/// The answer to it; an empty problem: done.
struct WardenAnswer {
  char problem[512] = {};
};

/// Body of the keeper; never returns. REQUIRES: freshly forked.
[[noreturn]] void RunKeeper(const ViewPlan& plan, int socket, int lifeline);

}  // namespace oldornew
