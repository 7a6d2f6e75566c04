// PUZZLE: "did it fail?" is asked of errno, after a cleanup that has set it to 0.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC: exit 0, f old
// SHOWS repaired write:path=f.new:error=ENOSPC: exit 28, f old
// EXPECT faults: honest:not-done write(f.new) ENOSPC,EIO,filling,full
// EXPECT faults: honest:not-done fsync(f.new) EIO
// EXPECT faults: honest:not-done close(f.new) EIO
#include "update.h"

/// Like many a wrapper: errno means something only if it is cleared first.
static void Discard(void) {
  errno = 0;
  unlink("f.new");
}

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0 || fsync(fd) != 0 || close(fd) != 0) {
#ifdef REPAIRED
    const int error = errno;
    Discard();
    return error;
#else
    Discard();
    return errno;
#endif
  }
  Publish(directory);
  return 0;
}
