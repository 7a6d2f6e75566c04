// Observe: runs a small program on a real file system over a recorded disk, loses the power at many
// moments, and says what each disk shows when it is mounted again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "realfs/lab.h"
#include "tree/file_tree.h"

namespace oldornew {

/// One line of a litmus test (model/testing/litmus.h): its words, and which ops of the model it
/// stands for.
struct LiveStep {
  std::vector<std::string> words;  ///< "op w f 0 A*1p", "old file f A*2p", "mark trig"
  uint32_t first_op = 0;           ///< ops before it
  uint32_t end_op = 0;             ///< ops before and in it
};

/// Does the words' work below `root`. Files without a name are kept in `handles`, by "@name"; close
/// them at the end. Errors name the step: a call that failed, an op that cannot be done live.
class LiveProgram {
 public:
  explicit LiveProgram(std::string root) : root_(std::move(root)) {}
  ~LiveProgram();
  Status Run(const std::vector<std::string>& words);

 private:
  std::string Path(const std::string& name) const { return root_ + "/" + name; }
  Result<int> Open(const std::string& name, int flags);
  Status Write(const std::vector<std::string>& words);
  Status Call(const std::vector<std::string>& words);
  Status Sync(const std::vector<std::string>& words);
  Status Trigger();

  std::string root_;
  std::vector<std::pair<std::string, int>> handles_;
  int triggers_ = 0;
};

/// What one disk showed.
struct Observation {
  FileTree tree;             ///< without lost+found; of extended attributes only user.*
  uint32_t first_point = 0;  ///< the power went after at least so many ops had returned
  uint32_t last_point = 0;   ///< ... and at most so many
  std::string image;         ///< for messages: place in the log and number of writes
};

struct Observed {
  std::vector<Observation> states;  ///< different ones only, by tree and points
  size_t images = 0;                ///< disks that were mounted
  size_t writes = 0, flushes = 0;   ///< in the log of the run
};

/// Makes the file system, runs the old lines un-recorded, then the others recorded. `delay_us`: see
/// recorder_main.cc. Errors: anything that keeps it from saying what was there, a disk that cannot
/// be mounted included.
Result<Observed> Observe(DiskLab* lab, const RealFs& fs, const std::vector<LiveStep>& program,
                         uint64_t delay_us, const ImageBounds& bounds);

}  // namespace oldornew
