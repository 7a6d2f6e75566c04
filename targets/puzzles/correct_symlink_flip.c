// PUZZLE: nothing is wrong: a symlink is made under another name, renamed over the old one, the directory fsynced.
// PUZZLE setup: mkdir v1 v2; echo 1 > v1/k; echo 2 > v2/k; ln -s v1 current
// EXPECT rest: clean
//
// Why (persistence-model.md): L18b. A symlink's target is part of its inode: never partial.
#include "puzzle.h"

int main(void) {
  Must(symlink("v2", "current.new"), "symlink");
  Rename("current.new", "current");
  SyncDirectory(".");
  return 0;
}
