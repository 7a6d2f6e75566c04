// PUZZLE: the write loop of libuv in shape: a short count is continued, and an error after it returned as a short count.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS limit=10: exit 0, f truncated
// SHOWS write:error=ENOSPC: exit 1, f old
// SHOWS write:short=10:when=1: exit 0, f new
// SHOWS repaired limit=10: exit 1, f old
// EXPECT faults: honest:truncated write(f.new) filling
//
// Why: a filling disk gives a short count and then the error, for ever. Neither alone is a problem
// here: a short count is continued, an error at once is returned.
#include "update.h"

/// The number of bytes written, or -1 when there were none.
static ssize_t WriteLoop(int fd, const char* data, size_t size) {
  ssize_t total = 0;
  while ((size_t)total < size) {
    const ssize_t count = write(fd, data + total, size - (size_t)total);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
#ifdef REPAIRED
      return -1;
#else
      return total > 0 ? total : -1;
#endif
    }
    total += count;
  }
  return total;
}

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  if (WriteLoop(fd, kNew, NEW_SIZE) < 0) GiveUp("write");
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
