// PUZZLE: nothing is wrong: a new directory is filled, synced bottom-up and published by a symlink flip; the old one is
// PUZZLE: removed after the flip is durable.
// PUZZLE setup: mkdir v1; echo 1 > v1/k; ln -s v1 current
// EXPECT rest: clean
#include "puzzle.h"

int main(void) {
  Must(mkdir("v2", 0755), "mkdir");
  SyncAndClose(Create("v2/k", kNew));
  SyncDirectory("v2");
  Must(symlink("v2", "current.new"), "symlink");
  SyncDirectory(".");
  Rename("current.new", "current");
  SyncDirectory(".");
  Must(unlink("v1/k"), "unlink");
  Must(rmdir("v1"), "rmdir");
  return 0;
}
