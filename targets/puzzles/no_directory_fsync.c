// PUZZLE: fsyncs the new file and renames it, but never fsyncs the directory, and reports success.
// PUZZLE setup: echo state = old > f
// PUZZLE repair: fsync(.) after rename(f.new → f)
// EXPECT rest: durable:old-after-ack
//
// Why (persistence-model.md): L07s. Old or new, never in between; but the rename is not on disk
// when the program says that it is done.
#include "puzzle.h"

int main(void) {
  SyncAndClose(Create("f.new", kNew));
  Rename("f.new", "f");
#ifdef REPAIRED
  SyncDirectory(".");
#endif
  return 0;
}
