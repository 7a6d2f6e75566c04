// What a sandbox is asked to be (run/sandbox.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oldornew {

/// How much of a private view the machine allows (run/sandbox.h), best first.
enum class Isolation : uint8_t { kFull, kMountOnly, kNone };

/// Default bound on the bytes that are copied.
inline constexpr uint64_t kDefaultCopyLimit = uint64_t{2} << 30;

struct SandboxSpec {
  std::string directory;  ///< judged directory; empty: the current one
  /// --also-dir: copied and judged too. They may not overlap each other or `directory`.
  std::vector<std::string> also_directories;
  std::string work_parent;                  ///< --work-dir; empty: $TMPDIR, else /tmp
  uint64_t copy_limit = kDefaultCopyLimit;  ///< bytes of data that may be copied
  /// Files and directories that stay visible (read-only) although they lie in a directory that the
  /// view covers, such as a program in /tmp. Paths inside the judged directories and paths that do
  /// not exist are ignored.
  std::vector<std::string> visible;
  Isolation at_most = Isolation::kFull;  ///< OLDORNEW_NO_NAMESPACE=1 in the environment means kNone
  /// The copies, the private temporary directories and the recordings lie on tmpfs mounts of the
  /// sandbox's own, whose space LimitSpace can change. (run/memory.h says how a tmpfs differs from
  /// a disk.) The overlay of $HOME stays in the work area. Needs a mount namespace: Create fails
  /// without one.
  bool in_memory = false;
  /// Puts the private temporary directories on another device than the judged one, whatever the
  /// user's are. Without this, those that share a mount with the judged directory on the user's
  /// machine share one here too: files can be renamed and linked between them, and in memory they
  /// have one limit of space.
  bool tmp_on_other_device = false;
  /// Copies nothing: the judged directories begin empty, for callers that use Present.
  bool start_empty = false;
};

}  // namespace oldornew
