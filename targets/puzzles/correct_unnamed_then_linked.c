// PUZZLE: nothing is wrong: an unnamed file is fsynced, linked into place, and the directory fsynced.
// PUZZLE setup: :
// EXPECT rest: clean
// EXPECT posix: clean
#include "puzzle.h"

int main(void) {
  const int fd = Must(open(".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644), "open");
  WriteAll(fd, kNew, strlen(kNew));
  Must(fsync(fd), "fsync");
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  Must(linkat(AT_FDCWD, self, AT_FDCWD, "f", AT_SYMLINK_FOLLOW), "linkat");
  Must(close(fd), "close");
  SyncDirectory(".");
  return 0;
}
