// PUZZLE: replaces a file by rename without any fsync of the new one.
// PUZZLE setup: echo state = old > f
// PUZZLE repair: fsync(f.new) after write(f.new, 43 B)
// PUZZLE repair: fsync(.) after rename(f.new → f)
// EXPECT ext4 ext4@<6.5 ext4,data=writeback: atomic:zeros durable:old-after-ack
// EXPECT ext4,noauto_da_alloc: atomic:empty atomic:zeros durable:old-after-ack
// EXPECT ext4,data=writeback,dioread_lock: atomic:zeros atomic:garbage durable:old-after-ack
// EXPECT ext4,dioread_lock ext4,nodelalloc ext4,data=journal btrfs,flushoncommit: durable:old-after-ack
// EXPECT rest: atomic:empty durable:old-after-ack
//
// Why (persistence-model.md): L07d. Default ext4 starts writeback at the rename but does not wait
// (7.6.2), so the size is there and the data is not: zeros. xfs and btrfs move the size after the
// I/O: empty.
#include "puzzle.h"

int main(void) {
  const int fd = Create("f.new", kNew);
#ifdef REPAIRED
  Must(fsync(fd), "fsync");
#endif
  Must(close(fd), "close");
  Rename("f.new", "f");
#ifdef REPAIRED
  SyncDirectory(".");
#endif
  return 0;
}
