// PUZZLE: nothing is wrong: the new file is written through an O_SYNC descriptor.
// PUZZLE setup: echo state = old > f
// EXPECT rest posix: clean
//
// Why (persistence-model.md): L16, L16b. Each write is followed by fsync of what it wrote.
#include "puzzle.h"

int main(void) {
  const int fd =
      Must(open("f.new", O_WRONLY | O_CREAT | O_EXCL | O_SYNC | O_CLOEXEC, 0644), "f.new");
  WriteAll(fd, kNew, strlen(kNew));
  Must(close(fd), "close");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
