// PUZZLE: everybody can read the new secret in its temporary file, until the mode is narrowed before the rename.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0600 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT rest posix: private:exposed
//
// Why (oracles.md 13): what is written under 0644 can be read from then on, and whoever has opened it reads on.
#include "puzzle.h"

int main(void) {
  const int fd = Create("f.new", kNew);
  Must(fchmod(fd, 0600), "fchmod");
  SyncAndClose(fd);
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
