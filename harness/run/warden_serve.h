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
  /// Not ready yet: the mounts in memory come with this message, and the warden waits for "go".
  int32_t fill = 0;
  char problem[512] = {};  ///< of the view, or, when ready, of the home overlay
};

/// Head of a request. A request is a memory file, sent as the first descriptor of a message of one
/// byte; the command's descriptors follow it. The file holds, after this head:
///   - descriptor_count int32 numbers, which the command's descriptors get there
///   - NUL-ended strings: directory, recording to trace into (or ""), command words, environment
struct WardenRequestHead {
  uint32_t word_count = 0;
  uint32_t environment_count = 0;
  uint32_t descriptor_count = 0;
  uint32_t process_limit = 0;
  uint64_t last_pid = 1;
  uint64_t tracer_stands_by = 0;
  uint64_t time_limit_ms = 0;
};

/// A request to limit the space of a mount in memory, as a whole.
struct WardenLimit {
  char byte = 'l';
  uint8_t which = 0;
  uint8_t limits_bytes = 0;
  uint8_t limits_inodes = 0;
  uint64_t free_bytes = 0;
  uint64_t free_inodes = 0;
};

/// The answer to it. An empty problem means that it was done.
struct WardenAnswer {
  char problem[512] = {};
};

/// Body of the keeper; never returns. REQUIRES: freshly forked.
[[noreturn]] void RunKeeper(const ViewPlan& plan, int socket, int lifeline);

}  // namespace oldornew
