// PUZZLE: nothing is wrong: the C library's buffer is flushed before the fsync.
// PUZZLE setup: echo state = old > f
// EXPECT rest posix: clean
#include "puzzle.h"

int main(void) {
  FILE* stream = fopen("f.new", "wxe");
  if (stream == NULL) Must(-1, "fopen");
  if (fputs(kNew, stream) < 0) Must(-1, "fputs");
  if (fflush(stream) != 0) Must(-1, "fflush");
  Must(fsync(fileno(stream)), "fsync");
  if (fclose(stream) != 0) Must(-1, "fclose");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
