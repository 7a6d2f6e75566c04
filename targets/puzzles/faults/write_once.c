// PUZZLE: the writer of npm's write-file-atomic in shape: one write call, whose count nobody looks at.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS limit=10: exit 0, f truncated
// SHOWS write:error=ENOSPC: exit 1, f old
// SHOWS repaired limit=10: exit 1, f old
// EXPECT faults: honest:truncated write(f.*) short,filling
//
// A random name, write, fsync, close, owner and mode of the old file, rename; errors remove the
// temporary file. All is looked at but the number that the write's callback gets. There is no fsync
// of the directory.
#include "update.h"

static char temporary[64];

static _Noreturn void Reject(const char* what) {
  Say(what);
  if (temporary[0] != '\0') unlink(temporary);
  exit(1);
}

int main(void) {
  struct stat old;
  const bool exists = lstat("f", &old) == 0;
  if (!exists && errno != ENOENT) Reject("lstat");
  char name[sizeof(temporary)];
  snprintf(name, sizeof(name), "f.%d%06d", (int)getpid(), rand() % 1000000);
  const int fd =
      open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, exists ? old.st_mode & 07777 : 0666);
  if (fd < 0) Reject("open");
  strcpy(temporary, name);
#ifdef REPAIRED
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) Reject("write");
#else
  if (write(fd, kNew, NEW_SIZE) < 0) Reject("write");
#endif
  if (fsync(fd) != 0) Reject("fsync");
  if (close(fd) != 0) Reject("close");
  if (exists && chown(temporary, old.st_uid, old.st_gid) != 0) Reject("chown");
  if (exists && chmod(temporary, old.st_mode & 07777) != 0) Reject("chmod");
  if (rename(temporary, "f") != 0) Reject("rename");
  return 0;
}
