// PUZZLE: success is reported whatever rename says.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS rename:error=EXDEV: exit 0, f old, left f.new
// SHOWS repaired rename:error=EXDEV: exit 1, f old
// EXPECT faults: honest:not-done rename(f.new→f) ENOSPC,EACCES,EXDEV,EIO
// EXPECT faults: clean:litter rename(f.new→f) ENOSPC,EACCES,EXDEV,EIO
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  MakeTemporary();
#ifdef REPAIRED
  Publish(directory);
#else
  rename("f.new", "f");
  SyncDirectoryOf(directory);
#endif
  return 0;
}
