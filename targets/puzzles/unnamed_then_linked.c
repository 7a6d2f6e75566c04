// PUZZLE: writes an unnamed file, fsyncs it, links it into place and fsyncs the file, not the directory.
// PUZZLE setup: :
// EXPECT rest: clean
// EXPECT ext4,fast_commit: durable:old-after-ack
// EXPECT posix: durable:old-after-ack
//
// Why (persistence-model.md): L33. The second fsync of the file carries its new name on every file
// system that was measured but ext4 with fast_commit, which loses it.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open(".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644), "open");
  WriteAll(fd, kNew, strlen(kNew));
  Must(fsync(fd), "fsync");
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  Must(linkat(AT_FDCWD, self, AT_FDCWD, "f", AT_SYMLINK_FOLLOW), "linkat");
  SyncAndClose(fd);
  return 0;
}
