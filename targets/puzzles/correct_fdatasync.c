// PUZZLE: nothing is wrong: fdatasync is enough for the bytes and the size of a new file.
// PUZZLE setup: echo state = old > f
// EXPECT rest: clean
// EXPECT posix: clean
#include "puzzle.h"

int main(void) {
  const int fd = Create("f.new", kNew);
  Must(fdatasync(fd), "fdatasync");
  Must(close(fd), "close");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
