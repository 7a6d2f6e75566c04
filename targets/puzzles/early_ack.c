// PUZZLE: says "saved" before the directory is fsynced.
// PUZZLE setup: echo state = old > f
// PUZZLE options: --ack '^saved$'
// EXPECT rest: durable:old-after-ack
//
// Why: the promise is made when the line is written, not when the program ends (oracles.md 2).
#include "puzzle.h"

int main(void) {
  SyncAndClose(Create("f.new", kNew));
  Rename("f.new", "f");
  WriteAll(STDOUT_FILENO, "saved\n", 6);
  SyncDirectory(".");
  return 0;
}
