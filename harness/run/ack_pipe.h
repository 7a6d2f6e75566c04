// The pipe that --ack-fd gives to a program. What is written there is in the recording, so here it
// is only read and dropped, so that the writer never waits.
#pragma once

#include <thread>

#include "base/files.h"
#include "base/result.h"

namespace oldornew {

class AckPipe {
 public:
  AckPipe() = default;
  AckPipe(const AckPipe&) = delete;
  AckPipe& operator=(const AckPipe&) = delete;
  /// REQUIRES: every other process that could write has ended. Closes our own writing end, which is
  /// then the last one, and waits for the reader.
  ~AckPipe();

  Status Open();
  int writer() const { return writer_.get(); }

 private:
  UniqueFd reader_;
  UniqueFd writer_;
  std::thread drain_;
};

}  // namespace oldornew
