// PUZZLE: an error of read is taken for the end of the file: the copy that is published has only the beginning.
// PUZZLE setup: printf 'one\ntwo\nthree\n' > f
// PUZZLE axes: faults
// SHOWS read:path=f:error=EIO: exit 0, f truncated
// SHOWS repaired read:path=f:error=EIO: exit 1, f old
// EXPECT faults: honest:truncated read(f) EIO
#include "update.h"

int main(void) {
  char buffer[4096];
  const int directory = OpenDirectory();
  const int from = open("f", O_RDONLY | O_CLOEXEC);
  if (from < 0) GiveUp("open f");
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, "zero\n", 5);
  for (;;) {
    const ssize_t count = read(from, buffer, sizeof(buffer));
#ifdef REPAIRED
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) GiveUp("read");
#endif
    if (count <= 0) break;
    WriteOrGiveUp(fd, buffer, (size_t)count);
  }
  close(from);
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  Publish(directory);
  return 0;
}
