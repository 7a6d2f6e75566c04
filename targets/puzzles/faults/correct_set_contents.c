// PUZZLE: nothing is wrong: GLib's g_file_set_contents in shape, with room asked for first and all answers looked at.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS limit=10: exit 1, f old
// SHOWS fallocate:error=ENOSPC: exit 0, f new
// SHOWS fallocate:error=EOPNOTSUPP: exit 0, f new
// SHOWS write:error=ENOSPC: exit 1, f old
// SHOWS fsync:error=EIO: exit 1, f old
// SHOWS close:path=f.*:error=EIO: exit 1, f old
// SHOWS rename:error=EXDEV: exit 1, f old
// EXPECT faults: clean
//
// fallocate is a hint: whether there is room is seen by the writes. There is no fsync of the
// directory, so that a power cut may bring the old content back; that is no question of faults.
#include "update.h"

static int Failed(const char* what, int fd, const char* temporary) {
  Say(what);
  if (fd >= 0) close(fd);
  unlink(temporary);
  return 1;
}

int main(void) {
  char temporary[] = "f.XXXXXX";
  const int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) {
    Say("mkostemp");
    return 1;
  }
  (void)!fallocate(fd, 0, 0, NEW_SIZE);
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) return Failed("write", fd, temporary);
  if (fsync(fd) != 0) return Failed("fsync", fd, temporary);
  if (close(fd) != 0) return Failed("close", -1, temporary);
  if (rename(temporary, "f") != 0) return Failed("rename", -1, temporary);
  return 0;
}
