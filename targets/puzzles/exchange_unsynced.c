// PUZZLE: exchanges a new directory with the published one although the file inside was never fsynced.
// PUZZLE setup: mkdir d; echo old > d/k
// PUZZLE options: --watch d
// EXPECT ext4 ext4,noauto_da_alloc ext4,data=writeback ext4@<6.5: atomic:empty atomic:zeros
// EXPECT ext4,data=writeback,dioread_lock: atomic:empty atomic:zeros atomic:garbage
// EXPECT ext4,nodelalloc ext4,data=journal: clean
// EXPECT rest: atomic:empty
//
// Why (persistence-model.md): L05. The fsync of the directory forces names, not the bytes of the
// file, and an exchange places nothing (7.6.2): not even ext4's heuristic helps.
#include <linux/fs.h>
#include <sys/syscall.h>

#include "puzzle.h"

int main(void) {
  Must(mkdir("d.new", 0755), "mkdir");
  Must(close(Create("d.new/k", kNew)), "close");
  SyncDirectory("d.new");
  Must((int)syscall(SYS_renameat2, AT_FDCWD, "d.new", AT_FDCWD, "d", RENAME_EXCHANGE), "renameat2");
  SyncDirectory(".");
  return 0;
}
