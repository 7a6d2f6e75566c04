// PUZZLE: the temporary file must not exist yet and always has the same name: a killed run stops every later one.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: kill
// EXPECT kill: recoverable:wedged openat(f.new) kill
//
// Why: O_EXCL protects against a second writer only as long as someone takes the name away again; a
// kill takes nothing away.
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
#ifdef REPAIRED
  const int fd = OpenTemporary();
#else
  const int fd = open("f.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    Say("f.new");
    return 1;
  }
#endif
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
