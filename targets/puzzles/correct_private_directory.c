// PUZZLE: nothing is wrong: the secret is written in a directory that nobody else can enter, under an open mode.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0600 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT rest: clean
//
// Why (oracles.md 13): who can read is decided by all directories above, too.
#include "puzzle.h"

int main(void) {
  Must(mkdir("work", 0700), "mkdir");
  const int fd = Create("work/f.new", kNew);
  Must(fchmod(fd, 0600), "fchmod");
  SyncAndClose(fd);
  Rename("work/f.new", "f");
  SyncDirectory("work");
  SyncDirectory(".");
  Must(rmdir("work"), "rmdir");
  SyncDirectory(".");
  return 0;
}
