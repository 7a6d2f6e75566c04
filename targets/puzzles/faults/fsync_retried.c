// PUZZLE: a failed fsync is tried again on the same descriptor: the second one succeeds and has written nothing.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS fsync:path=f.new:error=EIO:when=1: exit 0, f new
// SHOWS repaired fsync:path=f.new:error=EIO:when=1: exit 1, f old
// EXPECT faults: durable:lost-after-error fsync(f.new) EIO
//
// Why (persistence-model.md 4, 7.6.16): the kernel marks the pages clean and reports the error
// once. Nothing will write them any more, so the retry has nothing to do. PostgreSQL did this for
// twenty years.
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
#ifdef REPAIRED
  SyncOrGiveUp(fd);
#else
  for (int attempt = 1; fsync(fd) != 0; ++attempt) {
    if (attempt == 5) GiveUp("fsync");
  }
#endif
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
