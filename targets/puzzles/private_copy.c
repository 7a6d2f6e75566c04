// PUZZLE: a copy of the secret lies for a moment where everybody can read it, in the directory for temporary files.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0600 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT rest posix: private:exposed
//
// Why (oracles.md 13): temporaries outside the judged directory count; their content says whose
// they are.
#include "puzzle.h"

int main(void) {
  const char* temporary = getenv("TMPDIR");
  char copy[4096];
  snprintf(copy, sizeof(copy), "%s/copy-of-f", temporary != NULL ? temporary : P_tmpdir);
  Must(close(Create(copy, kNew)), "close");
  const int fd = Must(open("f.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "f.new");
  WriteAll(fd, kNew, strlen(kNew));
  SyncAndClose(fd);
  Rename("f.new", "f");
  SyncDirectory(".");
  Must(unlink(copy), "unlink");
  return 0;
}
