// PUZZLE: takes sync_file_range for a barrier.
// PUZZLE setup: echo state = old > f
// EXPECT ext4 ext4@<6.5 ext4,data=writeback: atomic:zeros
// EXPECT ext4,noauto_da_alloc: atomic:empty atomic:zeros
// EXPECT ext4,data=writeback,dioread_lock: atomic:zeros atomic:garbage
// EXPECT ext4,dioread_lock ext4,nodelalloc ext4,data=journal: clean
// EXPECT rest: atomic:empty
//
// Why (persistence-model.md): it writes pages back, but flushes no disk cache and writes no
// metadata: it forces nothing (L15, 7.3). sync_file_range(2) calls itself "extremely dangerous".
#include "puzzle.h"

int main(void) {
  const int fd = Create("f.new", kNew);
  Must(sync_file_range(
           fd, 0, 0,
           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER),
       "sync_file_range");
  Must(close(fd), "close");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
