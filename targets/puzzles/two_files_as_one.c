// PUZZLE: updates two files that belong together, each in the right way, one after the other.
// PUZZLE setup: echo state = old > f; echo state = old > g
// PUZZLE options: --together f g
// EXPECT rest: atomic:mixed
//
// Why: two renames are two steps; no order of fsync calls makes them one.
#include "puzzle.h"

int main(void) {
  SyncAndClose(Create("f.new", kNew));
  SyncAndClose(Create("g.new", kNew));
  Rename("f.new", "f");
  Rename("g.new", "g");
  SyncDirectory(".");
  return 0;
}
