// PUZZLE: every error path removes the temporary file but one: that of close, which "cannot fail".
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS close:path=f.new:error=EIO: exit 1, f old, left f.new
// SHOWS repaired close:path=f.new:error=EIO: exit 1, f old
// EXPECT faults: clean:litter close(f.new) EIO
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
  SyncOrGiveUp(fd);
#ifdef REPAIRED
  CloseOrGiveUp(fd);
#else
  Must(close(fd), "close");
#endif
  Publish(directory);
  return 0;
}
