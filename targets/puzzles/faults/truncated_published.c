// PUZZLE: the rename stands in the "finally" part: the error is noticed, reported, and what there is is published.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC: exit 1, f empty
// SHOWS repaired write:path=f.new:error=ENOSPC: exit 1, f old
// EXPECT faults: atomic:empty,truncated write(f.new) ENOSPC,EIO,full,filling
#include "update.h"

int main(void) {
  int status = 0;
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) {
    Say("write");
    status = 1;
#ifdef REPAIRED
    unlink("f.new");
    return status;
#endif
  }
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return status;
}
