// PUZZLE: QSaveFile with setDirectWriteFallback in shape: in a directory without write permission it writes f itself.
// PUZZLE setup: echo state = old > f; chmod 600 f
// PUZZLE axes: faults
// SHOWS open,openat:path=f.*:error=EACCES: exit 0, f new
// SHOWS open,openat:path=f.*:error=ENOSPC: exit 1, f old
// SHOWS repaired open,openat:path=f.*:error=EACCES: exit 1, f old
// EXPECT faults: atomic:empty,zeros,garbage openat(f.*) EACCES
//
// Why: the fallback is for EACCES only, and is asked for by the application. What was kept in
// memory is written at the commit, in place, and an error is noticed when the old content is gone.
#include "update.h"

static int Cancel(const char* what, int fd, const char* temporary) {
  Say(what);
  if (fd >= 0) close(fd);
  if (temporary != NULL) unlink(temporary);
  return 1;
}

int main(void) {
  char temporary[] = "f.XXXXXX";
  bool direct = false;
  int fd = mkostemp(temporary, O_CLOEXEC);
#ifndef REPAIRED
  if (fd < 0 && errno == EACCES) {
    direct = true;
    fd = open("f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  }
#endif
  const char* own = fd < 0 || direct ? NULL : temporary;
  if (fd < 0) return Cancel("open", fd, own);
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) return Cancel("write", fd, own);
  if (fsync(fd) != 0) return Cancel("fsync", fd, own);
  if (close(fd) != 0) return Cancel("close", -1, own);
  if (!direct && rename(temporary, "f") != 0) return Cancel("rename", -1, own);
  return 0;
}
