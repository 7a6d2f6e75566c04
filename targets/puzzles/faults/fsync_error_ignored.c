// PUZZLE: fsync is called, and nobody looks at its answer: what could not be stored is published.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS fsync:path=f.new:error=EIO: exit 0, f new
// SHOWS repaired fsync:path=f.new:error=EIO: exit 1, f old
// EXPECT faults: durable:lost-after-error fsync(f.new) EIO
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
#ifdef REPAIRED
  SyncOrGiveUp(fd);
#else
  fsync(fd);
#endif
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
