// PUZZLE: nothing is wrong: fsync of the new file, rename, fsync of the directory.
// PUZZLE setup: echo state = old > f
// EXPECT rest posix: clean
#include "puzzle.h"

int main(void) {
  SyncAndClose(Create("f.new", kNew));
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
