// PUZZLE: a failed rename leaves the temporary file, and with it the secret, where nobody looks for it.
// PUZZLE setup: chmod 0755 .; echo secret = old > f; chmod 0600 f
// PUZZLE axes: faults
// SHOWS rename:error=EACCES: exit 1, f old, left f.new
// SHOWS repaired rename:error=EACCES: exit 1, f old
// EXPECT faults: clean:litter rename(f.new→f) ENOSPC,EACCES,EXDEV,EIO
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  MakeTemporary();
#ifdef REPAIRED
  Publish(directory);
#else
  if (rename("f.new", "f") != 0) {
    Say("rename");
    return 1;
  }
  SyncDirectoryOf(directory);
#endif
  return 0;
}
