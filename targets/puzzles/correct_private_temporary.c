// PUZZLE: nothing is wrong: the temporary file of a secret is made with mode 0600 and gets its own mode before the fsync.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0640 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT rest posix: clean
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("f.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "f.new");
  WriteAll(fd, kNew, strlen(kNew));
  Must(fchmod(fd, 0640), "fchmod");
  SyncAndClose(fd);
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
