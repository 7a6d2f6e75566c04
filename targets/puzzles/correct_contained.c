// PUZZLE: nothing is wrong: a lock and a temporary file come and go, and a log is written, which is allowed.
// PUZZLE setup: echo state = old > f; echo not yours > g
// PUZZLE options: --watch f --expect atomic,durable,contained --allow *.log
// PUZZLE oracles: atomic durable contained
// EXPECT rest: clean
#include "puzzle.h"

int main(void) {
  Must(close(Create("f.lock", "")), "close");
  SyncAndClose(Create("update.log", "updated\n"));
  SyncAndClose(Create("f.new", kNew));
  Rename("f.new", "f");
  SyncDirectory(".");
  Must(unlink("f.lock"), "unlink");
  return 0;
}
