// The view: what a program sees inside a mount namespace. It is built once per warden with mount
// calls only, which takes a few hundred microseconds. The order makes sure that nothing is ever
// writable that should not be:
//
//   0. In memory only: make the tmpfs mounts and have them filled. They stay attached until they
//      have been cloned.
//   1. Clone every directory that will be mounted. A clone is detached, so step 2 leaves it
//      writable.
//   2. Make every mount read-only with one recursive mount_setattr. Other flags (nosuid, nodev,
//      noexec) stay.
//   3. Attach the clones, parents before children: private temporary directories, the home overlay,
//      the judged copies.
//   4. Mount a fresh /proc (pid namespace only) and make /proc/sys read-only.
//
// Device files stay usable: a read-only mount forbids changes of the file system, not writes to
// devices.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "run/memory.h"
#include "run/sandbox_layout.h"

namespace oldornew {

struct ViewMount {
  std::string target;      ///< absolute, no symlinks in it
  std::string source;      ///< on disk, as the process outside sees it
  bool read_only = false;  ///< for SandboxSpec::visible
  /// `source` is relative to the root of this one
  std::optional<MemoryMount> memory = std::nullopt;
};

/// Where programs reach the recording. Every /proc has this directory, and programs do not look
/// into it. It is in no user's tree, and nothing that the view covers can hide it.
inline constexpr const char* kRecorderMount = "/proc/driver";

struct ViewPlan {
  Isolation isolation = Isolation::kNone;
  std::vector<ViewMount> mounts;  ///< any order; BuildView sorts them
  std::string home;               ///< overlay mount point; empty: none
  std::string home_upper;         ///< existing empty directories on one file system
  std::string home_work;
  ViewMount recorder;  ///< directory to show, writable, at kRecorderMount
  /// Directory to show at wire::kMeetingPlace (interpose/wire.h), in the recorder.
  std::optional<ViewMount> meeting = std::nullopt;
  std::string work_area;  ///< what the keeper removes
  /// Existing directory with a subdirectory for each MemoryMountName, where the mounts in memory
  /// are attached while the view is built; empty: none are made.
  std::string memory_place;
  /// Directories that must exist before the view is built, parents first, with their modes, at the
  /// paths where the owner reaches them.
  std::vector<std::pair<std::string, mode_t>> directories;
  /// Symlinks that must exist too, with their targets.
  std::vector<std::pair<std::string, std::string>> links;
};

struct ViewOutcome {
  bool home_overlay = false;  ///< false although the plan wants it: $HOME is read-only
  std::string home_problem;
  std::vector<UniqueFd> memory;  ///< roots of the mounts in memory, in the order of MemoryMount
  UniqueFd last_pid;             ///< kFull: /proc/sys/kernel/ns_last_pid of the view, for writing
};

/// `fill` gets ViewOutcome::memory and makes what the plan takes from there. REQUIRES: the caller
/// has one thread and has just unshared its mount namespace, with the right to mount in it.
Result<ViewOutcome> BuildView(
    const ViewPlan& plan, const std::function<Status(const std::vector<UniqueFd>& memory)>& fill);

/// If the calling process lacks the right to mount, gives it a user namespace that maps only its
/// own uid and gid, to themselves. REQUIRES: one thread.
Status GainMountRights();

}  // namespace oldornew
