// PUZZLE: a rename that reports an error is taken not to have happened, and the user is told so.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// EXPECT faults: honest:changed-though-failed rename(f.new→f) done
//
// Why: on a network file system the answer can get lost, not the rename (rename(2), BUGS).
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  MakeTemporary();
#ifdef REPAIRED
  Publish(directory);
#else
  if (rename("f.new", "f") != 0) {
    fprintf(stderr, "rename: %s: nothing was changed\n", strerror(errno));
    unlink("f.new");
    return 1;
  }
  SyncDirectoryOf(directory);
#endif
  return 0;
}
