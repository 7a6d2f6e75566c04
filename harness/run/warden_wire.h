// The messages between a warden and the owner of its sandbox (run/warden.h). They travel over the
// socket as they are.
#pragma once

#include <cstdint>

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

/// The message, of one byte, that ends the run in progress. Requests begin with another byte.
inline constexpr char kEndRun = 'e';

struct WardenStraggler {
  int32_t pid;
  char command[124];
};

/// What the warden says at the end of a run. Plain data.
struct WardenReply {
  static constexpr int kStragglers = 16;
  int32_t started = 0;      ///< 0: the command could not be started; `problem` says why
  int32_t not_found = 0;    ///< with started == 0: shells exit with 127 then, else 126
  int32_t wait_status = 0;  ///< of the main process, as waitpid gives it
  int32_t main_pid = 0;
  int32_t main_ended = 0;
  int32_t timed_out = 0;
  int32_t too_many = 0;
  int32_t told_to_end = 0;  ///< Warden::EndRun ended it
  /// Processes survived SIGKILL for ten seconds: the sandbox is unusable.
  int32_t unkillable = 0;
  int32_t straggler_count = 0;
  uint64_t duration_ns = 0;
  char problem[512] = {};
  WardenStraggler stragglers[kStragglers] = {};
};

}  // namespace oldornew
