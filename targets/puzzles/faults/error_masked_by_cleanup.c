// PUZZLE: the result of the cleanup takes the place of the error that led to it: nothing is written and success reported.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC: exit 0, f old
// SHOWS repaired write:path=f.new:error=ENOSPC: exit 1, f old
// EXPECT faults: honest:not-done write(f.new) ENOSPC,EIO,filling,full
// EXPECT faults: honest:not-done fsync(f.new) EIO
// EXPECT faults: honest:not-done close(f.new) EIO
// EXPECT faults: honest:not-done rename(f.new→f) ENOSPC,EACCES,EXDEV,EIO
#include "update.h"

/// 0, or -1 and errno.
static int Store(int fd) {
  int result = TryToWrite(fd, kNew, NEW_SIZE);
  if (result == 0) result = fsync(fd);
  if (result == 0) result = close(fd);
  if (result == 0) result = rename("f.new", "f");
  if (result != 0) {
#ifdef REPAIRED
    const int error = errno;
    unlink("f.new");
    errno = error;
#else
    result = unlink("f.new");
#endif
  }
  return result;
}

int main(void) {
  const int directory = OpenDirectory();
  if (Store(OpenTemporary()) != 0) {
    Say("f.new");
    return 1;
  }
  SyncDirectoryOf(directory);
  return 0;
}
