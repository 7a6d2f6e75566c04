// PUZZLE: no error path removes the temporary file.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC: exit 1, f old, left f.new
// SHOWS fsync:path=f.new:error=EIO: exit 1, f old, left f.new
// SHOWS close:path=f.new:error=EIO: exit 1, f old, left f.new
// SHOWS rename:error=EACCES: exit 1, f old, left f.new
// SHOWS repaired write:path=f.new:error=ENOSPC: exit 1, f old
// SHOWS repaired rename:error=EACCES: exit 1, f old
// EXPECT faults: clean:litter write(f.new)+fsync(f.new)+close(f.new)+rename(f.new→f) ENOSPC,EIO,filling,full,EACCES,EXDEV
#include "update.h"

static _Noreturn void Stop(const char* what) {
#ifdef REPAIRED
  GiveUp(what);
#else
  Say(what);
  exit(1);
#endif
}

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) Stop("write");
  if (fsync(fd) != 0) Stop("fsync");
  if (close(fd) != 0) Stop("close");
  if (rename("f.new", "f") != 0) Stop("rename");
  SyncDirectoryOf(directory);
  return 0;
}
