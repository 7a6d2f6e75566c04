// PUZZLE: a failed write is tried again until it succeeds: on a full disk the program never ends.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// PUZZLE options: --timeout 1
// EXPECT faults: honest:hangs write(f.new) EIO,filling,full
// SHOWS write:path=f.new:error=ENOSPC:when=1: exit 0, f new
// SHOWS repaired write:path=f.new:error=ENOSPC: exit 1, f old
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
#ifdef REPAIRED
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
#else
  while (TryToWrite(fd, kNew, NEW_SIZE) != 0) {
    if (lseek(fd, 0, SEEK_SET) < 0) GiveUp("lseek");
  }
#endif
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
