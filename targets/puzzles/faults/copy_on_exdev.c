// PUZZLE: when rename says EXDEV the content is copied over the old one in place: whatever fails now leaves neither.
// PUZZLE setup: echo state = old > f; chmod 600 f
// PUZZLE axes: faults
// SHOWS rename:error=EXDEV: exit 0, f new
// SHOWS repaired rename:error=EXDEV: exit 1, f old
// EXPECT faults: atomic:empty,zeros,garbage rename(f.new→f) EXDEV
//
// Why: a rename of a name to its neighbour crosses no device, except over a bind-mounted file, or
// through an overlay. The copy has no moment at which it happens: a power cut, a kill or a full
// disk in it destroys the old content.
#include "update.h"

#ifndef REPAIRED
static void CopyInPlace(void) {
  const int fd = open("f", O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0) GiveUp("open f");
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0 || fsync(fd) != 0 || close(fd) != 0) GiveUp("copy");
  if (unlink("f.new") != 0) Say("f.new");
}
#endif

int main(void) {
  const int directory = OpenDirectory();
  MakeTemporary();
#ifdef REPAIRED
  Publish(directory);
#else
  if (rename("f.new", "f") == 0) {
    SyncDirectoryOf(directory);
  } else if (errno == EXDEV) {
    CopyInPlace();
  } else {
    GiveUp("rename");
  }
#endif
  return 0;
}
