// PUZZLE: overwrites two pages of a file in place and fsyncs it.
// PUZZLE setup: head -c 8192 /dev/zero | tr '\0' o > f
// EXPECT ext4,data=journal btrfs btrfs,flushoncommit btrfs,notreelog: atomic:torn?
// EXPECT rest: atomic:torn
//
// Why (persistence-model.md): L10. Any subset of the pages can be on disk. With data=journal and on
// btrfs only both pages or none were observed, but a write may be spread over two transactions or
// extents (3 g): torn is not required there.
#include "puzzle.h"

int main(void) {
  static char data[8192];
  memset(data, 'n', sizeof(data));
  const int fd = Must(open("f", O_WRONLY | O_CLOEXEC), "f");
  WriteAll(fd, data, sizeof(data));
  SyncAndClose(fd);
  return 0;
}
