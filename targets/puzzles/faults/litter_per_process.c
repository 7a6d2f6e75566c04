// PUZZLE: each run has a temporary file of its own, and none removes what killed ones left: they pile up.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: kill
// EXPECT kill: clean:litter * ?
// EXPECT kill: recoverable:wedged * ?
#include <dirent.h>

#include "update.h"

/// Removes what killed runs left. Only one run at a time, so whatever has the pattern is left over.
static void Sweep(void) {
  DIR* stream = opendir(".");
  if (stream == NULL) return;
  for (const struct dirent* entry; (entry = readdir(stream)) != NULL;) {
    if (strncmp(entry->d_name, "f.new.", 6) == 0) unlink(entry->d_name);
  }
  closedir(stream);
}

int main(void) {
#ifdef REPAIRED
  Sweep();
#else
  (void)Sweep;
#endif
  const int directory = OpenDirectory();
  char name[32];
  snprintf(name, sizeof(name), "f.new.%d", (int)getpid());
  const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    Say(name);
    return 1;
  }
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0 || fsync(fd) != 0 || close(fd) != 0 || rename(name, "f") != 0) {
    Say(name);
    unlink(name);
    return 1;
  }
  SyncDirectoryOf(directory);
  return 0;
}
