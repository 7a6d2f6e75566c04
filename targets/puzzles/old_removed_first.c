// PUZZLE: flips a symlink to a synced directory and removes the old one at once, without syncing the flip.
// PUZZLE setup: mkdir v1; echo 1 > v1/k; ln -s v1 current
// EXPECT rest: durable:old-after-ack
// EXPECT posix: atomic:dangling atomic:mixed durable:old-after-ack
//
// Why (persistence-model.md): metadata of ext4, xfs and btrfs comes in order (7.4 META_ORDER): when
// the flip is lost, so is the removal of the old directory. POSIX promises no such thing.
#include "puzzle.h"

int main(void) {
  Must(mkdir("v2", 0755), "mkdir");
  SyncAndClose(Create("v2/k", kNew));
  SyncDirectory("v2");
  Must(symlink("v2", "current.new"), "symlink");
  SyncDirectory(".");
  Rename("current.new", "current");
  Must(unlink("v1/k"), "unlink");
  Must(rmdir("v1"), "rmdir");
  return 0;
}
