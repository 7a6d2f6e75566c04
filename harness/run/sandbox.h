// Sandbox: a private copy of the user's directory, and a view of the machine in which a program
// sees that copy at the original path and can change nothing else. The user's own files are read
// once, when the copy is made, and never again.
//
// The view (interposition.md 13.1) is the best of three kinds that the machine allows:
//
//   kFull       A mount namespace and a pid namespace. Needs root, or an unprivileged user
//               namespace. The latter maps only the caller's own ids, so that `id` shows the same
//               user. In the view:
//                 - the copies are mounted at the original paths;
//                 - /tmp, /var/tmp, /dev/shm and $TMPDIR are private and empty;
//                 - writes to $HOME go to an overlay that is thrown away;
//                 - /proc is fresh, and everything else is read-only.
//   kMountOnly  The same without a pid namespace, for machines that do not let us mount a fresh
//               /proc (some containers).
//   kNone       No namespace. Commands run in the copy where it lies, and $HOME and $TMPDIR point
//               into the work area. Only the preload library keeps a program from leaving it.
//               notes() says so.
//
// One process tree per sandbox serves all its runs. The keeper removes the work area when this
// process dies, however it dies. The warden lives in the view, starts commands there and ends
// whatever is left of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "trace/trace.h"

namespace oldornew {

/// Default bound on the bytes that are copied.
inline constexpr uint64_t kDefaultCopyLimit = uint64_t{2} << 30;

enum class Isolation : uint8_t { kFull, kMountOnly, kNone };

struct SandboxSpec {
  std::string directory;  ///< judged directory; empty: the current one
  /// --also-dir: copied and judged too; may not overlap each other
  std::vector<std::string> also_directories;
  std::string work_parent;                  ///< --work-dir; empty: $TMPDIR, else /tmp
  uint64_t copy_limit = kDefaultCopyLimit;  ///< bytes of data that may be copied
  /// Files and directories to keep visible (read-only) although they lie in a directory that the
  /// view covers, such as a program in /tmp. Paths inside the judged directories and paths that do
  /// not exist are ignored.
  std::vector<std::string> visible;
  Isolation at_most = Isolation::kFull;  ///< OLDORNEW_NO_NAMESPACE=1 in the environment means kNone
  /// The copies, the private temporary directories and the recordings lie on tmpfs mounts of the
  /// sandbox's own (run/memory.h says how a tmpfs differs from a disk), whose room LimitSpace can
  /// change. $HOME's throw-away layer stays in the work area. Needs a mount namespace: where there
  /// is none, Create fails.
  bool in_memory = false;
  /// The private temporary directories are on another device than the judged one, whatever the
  /// user's are. Without this those that share a mount with the judged directory for the user share
  /// one here too: files are renamed and linked between them, and in memory one limit of room holds
  /// for all.
  bool tmp_on_other_device = false;
  /// Nothing is copied: the judged directories begin empty, for callers that Present what they want
  /// there.
  bool start_empty = false;
};

/// Room on one of the mounts of a sandbox in memory.
struct Space {
  uint64_t bytes = 0;  ///< whole pages
  uint64_t inodes = 0;
};

/// What is left, counted from what is used now. Unset: as much as the machine gives.
struct SpaceLimit {
  std::optional<uint64_t> free_bytes;  ///< rounded down to whole pages of 4 KiB
  std::optional<uint64_t> free_inodes;
};

/// A directory a program can change: where it sees it, and where it really lies for everybody else.
struct SandboxRoot {
  std::string seen_path;
  std::string disk_path;
  RootRole role = RootRole::kJudged;
};

class Unwinder;  // interpose/unwind.h

class Warden;  // run/warden.h: the process that starts commands in the view

class Sandbox {
 public:
  /// Copies and sets up everything. Errors: exit code kUsage for directories that cannot be judged
  /// ("/", one that holds the work area, not a directory, overlapping, too large: the message names
  /// the size and --dir), kCannotJudge for files that cannot be read.
  static Result<Sandbox> Create(const SandboxSpec& spec);

  Sandbox(Sandbox&&) noexcept;
  Sandbox& operator=(Sandbox&&) noexcept;
  /// Ends every process of the sandbox and removes the work area (unless Keep was called).
  ~Sandbox();

  /// Judged directory, also-directories, private temporary directories: in this order in every
  /// trace.
  const std::vector<SandboxRoot>& roots() const { return roots_; }
  /// The judged copy as this process reaches it: write states here, with no run in progress. Keep
  /// the directory itself.
  const std::string& judged_path() const { return roots_[0].disk_path; }
  /// Where commands start, as they see it: the caller's directory if it is inside the judged one,
  /// else the latter.
  const std::string& working_directory() const { return working_directory_; }
  /// Where this process finds files for itself (recordings, states); a program under test never
  /// sees it.
  const std::string& scratch_path() const { return scratch_path_; }
  /// A directory for recordings: on disk, and where programs in the view see it (and may write).
  const std::string& recorder_path() const { return recorder_path_; }
  std::string seen_recorder_path() const;
  /// Where this process finds what a program sees at `seen_path` (absolute): in a root's copy, else
  /// the same path.
  std::string OnDisk(const std::string& seen_path) const;
  Isolation isolation() const { return isolation_; }
  /// File system type of the work area: "ext2/ext3", "xfs", "btrfs", "tmpfs", ...
  const std::string& file_system() const { return file_system_; }
  /// Sentences about what differs from the real machine, for the report (oracles.md 19).
  const std::vector<std::string>& notes() const { return notes_; }
  /// True when writes below $HOME go to a throw-away layer.
  bool home_is_thrown_away() const { return !home_upper_.empty(); }
  /// Paths below $HOME, relative to it, that runs have changed so far in the throw-away layer, in
  /// byte order.
  std::vector<std::string> HomeChanges() const;
  /// The environment entries ("NAME=value") that the view needs, over those of the caller: HOME and
  /// TMPDIR for kNone.
  const std::vector<std::string>& environment() const { return environment_; }

  /// Makes the sandbox hold `tree` and nothing else: its root i goes to roots()[i] as far as both
  /// have one; all other roots and the throw-away layer become empty. No run may be in progress.
  /// Next runs find only this. All limits are lifted.
  Status Present(const FileTree& tree);

  /// In memory: limits the room in the judged directories (they share one mount, and so do the
  /// private temporary ones that share one with them for the user) or in the other temporary ones,
  /// until the next Present or LimitSpace: a really full disk, with the short counts of the kernel,
  /// whose room comes back with unlink and truncation. Set it after Present; no run may be in
  /// progress. Errors: not in memory, or what the kernel refused.
  Status LimitSpace(RootRole where, const SpaceLimit& limit);
  /// In memory: what is used now on the mount of the judged or of those temporary directories.
  /// Differences between two answers mean something; there is a small constant in each.
  Result<Space> SpaceUsed(RootRole where) const;
  bool in_memory() const { return !memory_.empty(); }

  /// Leaves the work area on disk and returns its path (for `replay --keep`). Processes still end
  /// with the sandbox. What lies in memory goes all the same.
  std::string Keep();

  Warden& warden() const { return *warden_; }
  /// What was learnt of the programs in earlier runs' recordings, for the next ones'.
  Unwinder& unwinder() { return *unwinder_; }

 private:
  friend class SandboxBuilder;
  Sandbox();
  /// Starts a warden with a new view of what the plan says; in memory, `fill` makes what is in it.
  Status StartView(const std::function<Status()>& fill);
  /// Empties the roots and writes `tree`. `leave_alone[i]`: not root i.
  Status WriteRoots(const FileTree& tree, const std::vector<bool>& leave_alone);
  /// True when something else is mounted below `root`.
  bool HoldsMountPoints(const SandboxRoot& root) const;
  /// True when there is nothing in `root` but mount points.
  bool IsBare(const SandboxRoot& root) const;

  std::string work_area_;
  std::string scratch_path_;
  std::string recorder_path_;
  std::vector<SandboxRoot> roots_;
  std::string working_directory_;
  Isolation isolation_ = Isolation::kNone;
  std::string file_system_;
  std::vector<std::string> notes_;
  std::vector<std::string> environment_;
  std::string home_upper_;
  bool keep_ = false;
  bool limited_ = false;
  /// In memory: the roots of the mounts, in the order of MemoryMount. Paths lead through these
  /// numbers, so a new view puts its mounts under the same ones.
  std::vector<UniqueFd> memory_;
  std::unique_ptr<struct ViewPlan> plan_;
  std::unique_ptr<Warden> warden_;
  std::unique_ptr<Unwinder> unwinder_;
};

}  // namespace oldornew
