// PUZZLE: leaves its temporary copy of the old content behind, and narrows the mode of a neighbour.
// PUZZLE setup: echo state = old > f; echo not yours > g
// PUZZLE options: --watch f --expect atomic,durable,contained --allow *.log
// PUZZLE oracles: atomic durable contained
// EXPECT rest: contained:changed-outside
//
// Why (oracles.md 14): f.old is still there at the end, and g has another mode than before. The log
// is allowed.
#include "puzzle.h"

int main(void) {
  SyncAndClose(Create("f.old", "state = old\n"));
  SyncAndClose(Create("update.log", "updated\n"));
  SyncAndClose(Create("f.new", kNew));
  Rename("f.new", "f");
  Must(chmod("g", 0600), "chmod");
  SyncDirectory(".");
  return 0;
}
