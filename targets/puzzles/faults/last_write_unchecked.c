// PUZZLE: every write is checked but the last, which flushes what was left in the buffer.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC:when=3: exit 0, f truncated
// SHOWS write:path=f.new:error=ENOSPC:when=1: exit 1, f old
// SHOWS repaired write:path=f.new:error=ENOSPC:when=3: exit 1, f old
// EXPECT faults: honest:truncated write(f.new) ENOSPC,EIO,short,filling
#include "update.h"

#define BUFFER 16

int main(void) {
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  size_t at = 0;
  for (; NEW_SIZE - at > BUFFER; at += BUFFER) WriteOrGiveUp(fd, kNew + at, BUFFER);
#ifdef REPAIRED
  WriteOrGiveUp(fd, kNew + at, NEW_SIZE - at);
#else
  if (write(fd, kNew + at, NEW_SIZE - at) < 0) fprintf(stderr, "warning: buffer not flushed\n");
#endif
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
