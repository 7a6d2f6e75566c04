#include "run/ack_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace oldornew {

AckPipe::~AckPipe() {
  writer_.Reset();
  if (drain_.joinable()) drain_.join();
}

Status AckPipe::Open() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Fail("cannot make a pipe: {}", ErrnoText(errno));
  reader_.Reset(ends[0]);
  writer_.Reset(ends[1]);

  drain_ = std::thread([fd = reader_.get()] {
    char buffer[4096];
    ssize_t count = 0;
    do {
      count = read(fd, buffer, sizeof buffer);
    } while (count > 0 || (count < 0 && errno == EINTR));
  });
  return {};
}

}  // namespace oldornew
