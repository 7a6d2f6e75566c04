// PUZZLE: shortens a file in place and fsyncs it.
// PUZZLE setup: head -c 8192 /dev/zero | tr '\0' o > f
// EXPECT ext4,data=journal xfs btrfs*: clean
// EXPECT ext4,data=writeback*: atomic:garbage
// EXPECT rest: atomic:torn
//
// Why (persistence-model.md): L13. ext4 zeroes the rest of the last page in place, as data, before
// the transaction that shortens the file: a crash in between leaves the old size with a hole in the
// middle.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("f", O_WRONLY | O_CLOEXEC), "f");
  Must(ftruncate(fd, 100), "ftruncate");
  SyncAndClose(fd);
  return 0;
}
