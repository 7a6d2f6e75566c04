// PUZZLE: moves a file to another directory and fsyncs only that one.
// PUZZLE setup: mkdir a b; echo old > a/f; echo kept > b/g
// EXPECT btrfs btrfs,flushoncommit btrfs,nodatacow: durable:old-after-ack
// EXPECT rest: clean
//
// Why (persistence-model.md): L59. btrfs logs the new name and leaves the old one (7.4 DIRMOVE):
// both are there.
#include "puzzle.h"

int main(void) {
  Rename("a/f", "b/f");
  SyncDirectory("b");
  return 0;
}
