// PUZZLE: removes the old file before it renames the new one into place.
// PUZZLE setup: echo state = old > f
// EXPECT rest: atomic:missing
//
// Why: there is a moment without any file, for readers as for the disk; every file system can keep
// that moment.
#include "puzzle.h"

int main(void) {
  SyncAndClose(Create("f.new", kNew));
  Must(unlink("f"), "unlink");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
