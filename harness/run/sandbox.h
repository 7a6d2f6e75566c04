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
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "run/sandbox_layout.h"
#include "run/sandbox_parts.h"
#include "run/sandbox_spec.h"
#include "tree/file_tree.h"

namespace oldornew {

class Unwinder;  // interpose/unwind.h

class Sandbox {
 public:
  /// Copies and sets up everything. Errors:
  ///   kUsage        a directory cannot be judged: "/", one that holds the work area, not a
  ///                 directory, overlapping, too large (the message names the size and --dir)
  ///   kCannotJudge  files cannot be read
  static Result<Sandbox> Create(const SandboxSpec& spec);

  Sandbox(Sandbox&&) noexcept;
  Sandbox& operator=(Sandbox&&) noexcept;
  /// Ends every process of the sandbox and removes the work area (unless Keep was called).
  ~Sandbox();

  /// Judged directory, also-directories, private temporary directories: in this order in every
  /// trace.
  const std::vector<SandboxRoot>& roots() const { return parts_.layout.roots; }
  /// The judged copy as this process reaches it: write states here while no run is in progress, and
  /// keep the directory itself.
  const std::string& judged_path() const { return parts_.layout.roots[0].disk_path; }
  /// Where commands start, as they see it: the caller's directory if it is inside the judged one,
  /// else the judged one.
  const std::string& working_directory() const { return parts_.layout.working_directory; }
  /// Where this process keeps files for itself. A program under test never sees them.
  const std::string& scratch_path() const { return parts_.layout.scratch_path; }
  /// A directory for recordings, as this process reaches it. Programs in the view may write there.
  const std::string& recorder_path() const { return parts_.layout.recorder_path; }
  /// The same directory as programs in the view see it.
  std::string seen_recorder_path() const;
  /// Where this process finds what a program sees at `seen_path` (absolute): in a root's copy, else
  /// at the same path.
  std::string OnDisk(const std::string& seen_path) const;
  Isolation isolation() const { return parts_.layout.isolation; }
  /// File system type of the work area: "ext2/ext3", "xfs", "btrfs", "tmpfs", ...
  const std::string& file_system() const { return parts_.layout.file_system; }
  /// Sentences about what differs from the real machine, for the report (oracles.md 19).
  const std::vector<std::string>& notes() const { return parts_.layout.notes; }
  /// True when writes below $HOME go to an overlay that is thrown away.
  bool home_is_thrown_away() const { return !parts_.layout.home_upper.empty(); }
  /// Paths that runs have changed so far in that overlay, relative to $HOME, in byte order.
  std::vector<std::string> HomeChanges() const;
  /// The environment entries ("NAME=value") that the view needs, which replace those of the caller:
  /// HOME and TMPDIR for kNone.
  const std::vector<std::string>& environment() const { return parts_.layout.environment; }

  /// Makes the sandbox hold `tree` and nothing else. Root i of the tree goes to roots()[i] as far
  /// as both have one; all other roots and the overlay of $HOME become empty. Lifts all limits of
  /// space. REQUIRES: no run in progress.
  Status Present(const FileTree& tree);

  /// In memory: limits the space of the judged or of the temporary directories until the next
  /// Present or LimitSpace. Set it after Present. This is a really full disk, with the short counts
  /// of the kernel, and space comes back with unlink and truncation. The judged directories share
  /// one mount. So do the temporary ones that share a mount with them on the user's machine: the
  /// limit of the judged directories holds for those. Errors: not in memory, or what the kernel
  /// refused. REQUIRES: no run in progress.
  Status LimitSpace(RootRole where, const SpaceLimit& limit);
  /// In memory: what is used now on the mount of the judged or of the temporary directories. Only
  /// differences between two answers mean something, because each includes a small constant.
  Result<Space> SpaceUsed(RootRole where) const;
  bool in_memory() const { return !parts_.layout.memory.empty(); }

  /// Leaves the work area on disk and returns its path (for `replay --keep`). Processes still end
  /// with the sandbox, and what lies in memory is lost.
  std::string Keep();

  Warden& warden() const { return *parts_.warden; }
  /// What was learnt about programs from the recordings of earlier runs, for the next ones.
  Unwinder& unwinder() { return *unwinder_; }

 private:
  explicit Sandbox(SandboxParts parts);
  /// Empties the roots and writes `tree`, except for roots i with `leave_alone[i]`.
  Status WriteRoots(const FileTree& tree, const std::vector<bool>& leave_alone);

  SandboxParts parts_;
  bool limited_ = false;  ///< LimitSpace was called since the last Present
  std::unique_ptr<Unwinder> unwinder_;
};

}  // namespace oldornew
