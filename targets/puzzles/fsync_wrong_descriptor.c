// PUZZLE: fsyncs the old file, which it had open for reading, instead of the new one.
// PUZZLE setup: echo state = old > f
// PUZZLE repair: fsync(f.new) after write(f.new, 43 B)
// EXPECT ext4 ext4@<6.5 ext4,data=writeback: atomic:zeros
// EXPECT ext4,noauto_da_alloc: atomic:empty atomic:zeros
// EXPECT ext4,data=writeback,dioread_lock: atomic:zeros atomic:garbage
// EXPECT ext4,dioread_lock ext4,nodelalloc ext4,data=journal: clean
// EXPECT rest: atomic:empty
//
// Why (persistence-model.md): L07d for the data. The fsync of the directory makes the new name
// durable, and only the name: a child's data does not come along (L05), not even with
// flushoncommit.
#include "puzzle.h"

int main(void) {
  const int old = Must(open("f", O_RDONLY | O_CLOEXEC), "f");
  const int fd = Create("f.new", kNew);
#ifdef REPAIRED
  Must(fsync(fd), "fsync");
#endif
  SyncAndClose(old);
  Must(close(fd), "close");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
