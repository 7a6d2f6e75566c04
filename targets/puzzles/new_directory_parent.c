// PUZZLE: creates a directory, and syncs the file in it and the directory, but not the directory's parent.
// PUZZLE setup: :
// PUZZLE repair: fsync(.) after mkdir(d, 0755)
// EXPECT rest: clean
// EXPECT posix: durable:old-after-ack
//
// Why (persistence-model.md): L02. Real file systems bring the new ancestors of an fsynced file
// along; fsync(2) does not promise it, so only the pedantic profile objects.
#include "puzzle.h"

int main(void) {
  Must(mkdir("d", 0755), "mkdir");
#ifdef REPAIRED
  SyncDirectory(".");
#endif
  SyncAndClose(Create("d/f.new", kNew));
  Rename("d/f.new", "d/f");
  SyncDirectory("d");
  return 0;
}
