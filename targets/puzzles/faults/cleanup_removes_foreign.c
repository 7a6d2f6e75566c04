// PUZZLE: a name is taken for free because lstat failed; the create refuses it, and the cleanup removes somebody's file.
// PUZZLE setup: echo state = old > f; echo mine > f.1
// PUZZLE axes: faults
// SHOWS newfstatat:path=f.1:error=EIO:when=1: exit 1, f old, f.1 missing
// SHOWS repaired newfstatat:path=f.1:error=EIO:when=1: exit 0, f new, f.1 old
// EXPECT faults: contained:changed-outside newfstatat(f.1) EACCES,EIO
// EXPECT faults: contained:changed-outside openat(f.2) EEXIST
//
// Why: "does not exist" is one errno, ENOENT. And what a failed O_EXCL did not create is not ours
// to remove.
#include "update.h"

/// Whether nothing has this name.
static bool IsFree(const char* name) {
  struct stat info;
#ifdef REPAIRED
  return lstat(name, &info) != 0 && errno == ENOENT;
#else
  return lstat(name, &info) != 0;
#endif
}

int main(void) {
  const int directory = OpenDirectory();
  char name[16];
  int number = 1;
  do {
    snprintf(name, sizeof(name), "f.%d", number++);
  } while (!IsFree(name) && number < 10);
  const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
#ifdef REPAIRED
  if (fd < 0) {
    Say(name);
    return 1;
  }
#endif
  if (fd >= 0 && TryToWrite(fd, kNew, NEW_SIZE) == 0 && fsync(fd) == 0 && close(fd) == 0 &&
      rename(name, "f") == 0) {
    SyncDirectoryOf(directory);
    return 0;
  }
  Say(name);
  unlink(name);
  return 1;
}
