// Layout: where the parts of one sandbox lie, and what was found out while it was set up. Plain
// data; run/sandbox.h says what the parts are for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "run/sandbox_spec.h"
#include "trace/trace.h"

namespace oldornew {

/// Space on one of the mounts of a sandbox in memory.
struct Space {
  uint64_t bytes = 0;  ///< whole pages
  uint64_t inodes = 0;
};

/// The free space that is left, in addition to what is used now. Unset: as much as the machine has.
struct SpaceLimit {
  /// Rounded down to whole pages of 4 KiB.
  std::optional<uint64_t> free_bytes = std::nullopt;
  std::optional<uint64_t> free_inodes = std::nullopt;
};

/// A directory that a program can change: the path at which it sees it, and the path at which
/// everybody else finds it.
struct SandboxRoot {
  std::string seen_path;
  std::string disk_path;
  RootRole role = RootRole::kJudged;
};

struct SandboxLayout {
  std::string work_area;      ///< directory that holds all of it, removed at the end
  std::string scratch_path;   ///< this process's own files
  std::string recorder_path;  ///< recordings, as this process reaches them
  /// Judged directory, also-directories, private temporary directories, in this order.
  std::vector<SandboxRoot> roots;
  std::string working_directory;  ///< where commands start, as they see it
  Isolation isolation = Isolation::kNone;
  std::string file_system;               ///< type of the file system under the copy
  std::vector<std::string> notes;        ///< what differs from the real machine
  std::vector<std::string> environment;  ///< entries that the view needs
  std::string home_upper;                ///< what is written to $HOME lies here; empty: nothing is
  /// In memory: the roots of the mounts, in the order of MemoryMount. Paths lead through these
  /// descriptor numbers, so a new view puts its mounts under the same ones.
  std::vector<UniqueFd> memory;
};

}  // namespace oldornew
