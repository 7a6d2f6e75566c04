// PUZZLE: replaces a symlink by removing it and making a new one.
// PUZZLE setup: mkdir v1 v2; echo 1 > v1/k; echo 2 > v2/k; ln -s v1 current
// EXPECT rest: atomic:missing
//
// Why: there is a moment without the symlink, as with unlink_then_rename.
#include "puzzle.h"

int main(void) {
  Must(unlink("current"), "unlink");
  Must(symlink("v2", "current"), "symlink");
  SyncDirectory(".");
  return 0;
}
