// DiskLab: a place for real file systems on a recorded disk, which leaves nothing behind.
//
// All mounts are made in a mount namespace of the calling process, and loop devices detach
// themselves with their last user: when the process ends, however it ends, the kernel takes both
// down. What an earlier one still left (the backing file's name holds our marker and the number of
// a process that is gone) is detached on the next start. One lab at a time on a machine.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "realfs/block_log.h"

namespace oldornew {

/// A file system with one set of options, as it is made and mounted.
struct RealFs {
  std::string profile;            ///< the row of the model that it is held against
  std::string type;               ///< "ext4", "xfs", "btrfs"
  std::string options;            ///< of mount, for the run
  std::string crash_options;      ///< of mount, after the power cut
  std::vector<std::string> mkfs;  ///< the command but for the image
  uint64_t size = 0;              ///< of the image, in bytes
};
/// ext4, xfs and btrfs first, then their options.
const std::vector<RealFs>& RealFileSystems();
const RealFs* FindRealFs(std::string_view profile);

/// Why no lab can be had here, or this file system cannot be made; empty: it can.
std::string WhyNot(const RealFs& fs);

/// What process `pid` still has of its labs: mounts, loop devices, directories. For tests.
std::vector<std::string> LeftBehind(pid_t pid);

class DiskLab {
 public:
  /// REQUIRES: `recorder` is the program oldornew_block_recorder. Waits for its turn. Errors:
  /// kCannotJudge where this process may have no mount namespace of its own.
  static Result<std::unique_ptr<DiskLab>> Create(const std::string& recorder);
  ~DiskLab();

  const std::string& directory() const { return directory_.path(); }

  /// A sparse copy.
  Status Copy(const std::string& from, const std::string& to);

  /// Makes a file system in a new image.
  Status Make(const RealFs& fs, const std::string& image);

  /// Mounts `image` at mount_point(). Unmount() undoes it; a second Mount does so first.
  Status Mount(const RealFs& fs, const std::string& image, const std::string& options);
  Status Unmount();
  std::string mount_point() const { return directory() + "/mnt"; }

  /// Between these two everything done to the image is recorded. The path to mount is
  /// recorded_image().
  Status StartRecording(const std::string& image, uint64_t delay_us, int limit_seconds);
  Result<std::vector<BlockEvent>> StopRecording();
  std::string recorded_image() const { return directory() + "/disk/img"; }
  Status Mark(const std::string& name);

 private:
  DiskLab(TempDir directory, UniqueFd lock, std::string recorder)
      : directory_(std::move(directory)), lock_(std::move(lock)), recorder_(std::move(recorder)) {}
  void EndRecorder();

  TempDir directory_;
  UniqueFd lock_;
  std::string recorder_;
  UniqueFd mark_;
  pid_t recorder_pid_ = -1;
  bool mounted_ = false;
};

}  // namespace oldornew
