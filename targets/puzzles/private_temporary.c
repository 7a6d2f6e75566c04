// PUZZLE: everybody can read the new secret in its temporary file, until the mode is narrowed before the rename.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0600 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT rest posix: private:exposed
//
// Why (oracles.md 13): everybody can open a file with mode 0644, and a process that has opened it
// can read it even after the chmod.
#include "puzzle.h"

int main(void) {
  const int fd = Create("f.new", kNew);
  Must(fchmod(fd, 0600), "fchmod");
  SyncAndClose(fd);
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
