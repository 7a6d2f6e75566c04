// PUZZLE: the error of close is ignored; with no fsync before it, it was the only word about data that could not be stored.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS close:path=f.new:error=EDQUOT: exit 0, f new
// SHOWS repaired close:path=f.new:error=EDQUOT: exit 1, f old
// EXPECT faults: honest:lost-after-error close(f.new) EIO
//
// Why: NFS and quotas answer for delayed writes at close(2). What was not stored is gone by then.
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
#ifdef REPAIRED
  CloseOrGiveUp(fd);
#else
  close(fd);
#endif
  Publish(directory);
  return 0;
}
