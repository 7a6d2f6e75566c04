// PUZZLE: nothing is wrong: the new file is fsynced through a descriptor that was opened later, for reading.
// PUZZLE setup: echo state = old > f
// EXPECT rest posix: clean
//
// Why: fsync(2) is about the file, not about the descriptor that wrote it.
#include "puzzle.h"

int main(void) {
  Must(close(Create("f.new", kNew)), "close");
  SyncAndClose(Must(open("f.new", O_RDONLY | O_CLOEXEC), "f.new"));
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
