// PUZZLE: a short count of write(2) is taken for success: on a nearly full disk the beginning of the content is published.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:short=10: exit 0, f truncated
// SHOWS write:path=f.new:error=ENOSPC: exit 1, f old
// SHOWS repaired write:path=f.new:short=10: exit 0, f new
// SHOWS repaired limit=10: exit 1, f old
// EXPECT faults: honest:truncated write(f.new) short,filling
//
// Why: write(2) writes what there is room for and says how much. An error comes only when there was
// room for nothing.
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
#ifdef REPAIRED
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
#else
  if (write(fd, kNew, NEW_SIZE) < 0) GiveUp("write");
#endif
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
