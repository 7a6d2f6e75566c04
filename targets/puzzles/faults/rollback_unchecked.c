// PUZZLE: the old file is moved aside first; when the second rename fails it is moved back, and when that fails too, not.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// PUZZLE options: --fault-depth 2
// SHOWS rename:error=ENOSPC:when=2..3: exit 1, f missing, left f.old
// SHOWS repaired rename:error=ENOSPC: exit 1, f old
// EXPECT faults: atomic:missing rename(f→f.old) EIO
// EXPECT faults: atomic:missing rename(f.new→f) EIO
// EXPECT faults: atomic:missing rename(f.old→f) ENOSPC
// EXPECT faults: recoverable:wedged rename(f→f.old)
// EXPECT faults: honest:changed-though-failed unlink(f.old) EIO?
//
// Why: a rollback is a second update, and everything that can fail in an update can fail in it. A
// link to the old file needs no rollback.
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  MakeTemporary();
#ifdef REPAIRED
  Publish(directory);
#else
  if (rename("f", "f.old") != 0) GiveUp("rename f");
  if (rename("f.new", "f") != 0) {
    Say("rename f.new");
    rename("f.old", "f");
    unlink("f.new");
    return 1;
  }
  if (unlink("f.old") != 0) Say("f.old");
  SyncDirectoryOf(directory);
#endif
  return 0;
}
