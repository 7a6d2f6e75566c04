// PUZZLE: fsyncs the new file, but only after the rename has made it visible.
// PUZZLE setup: echo state = old > f
// PUZZLE repair: fsync(f.new) after write(f.new, 43 B)
// EXPECT ext4 ext4@<6.5 ext4,data=writeback: atomic:zeros
// EXPECT ext4,noauto_da_alloc: atomic:empty atomic:zeros
// EXPECT ext4,data=writeback,dioread_lock: atomic:zeros atomic:garbage
// EXPECT ext4,dioread_lock ext4,nodelalloc ext4,data=journal btrfs,flushoncommit: clean
// EXPECT rest: atomic:empty
//
// Why (persistence-model.md): L58. Once the fsync has returned, name and data are on disk
// everywhere (the name of the inode comes along), so nothing is wrong with durability; before it
// the states are those of L07d.
#include "puzzle.h"

int main(void) {
  const int fd = Create("f.new", kNew);
#ifdef REPAIRED
  Must(fsync(fd), "fsync");
#endif
  Rename("f.new", "f");
  SyncAndClose(fd);
  return 0;
}
