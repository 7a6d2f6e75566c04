// PUZZLE: GIO's g_file_replace in shape: when no temporary file can be made, the old content is truncated and rewritten.
// PUZZLE setup: echo state = old > f; chmod 600 f
// PUZZLE axes: faults
// SHOWS open,openat:path=f.*:error=EACCES: exit 0, f new
// SHOWS repaired open,openat:path=f.*:error=EACCES: exit 1, f old
// EXPECT faults: atomic:empty,zeros,garbage openat(f.*) ENOSPC
// EXPECT faults: atomic:empty,zeros,garbage openat(f.*) EIO,done?
#include "update.h"

static int Failed(const char* what, const char* temporary) {
  Say(what);
  if (temporary != NULL) unlink(temporary);
  return 1;
}

#ifndef REPAIRED
static int ReplaceInPlace(void) {
  const int fd = open("f", O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0) return Failed("open f", NULL);
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) return Failed("write f", NULL);
  if (fsync(fd) != 0) return Failed("fsync f", NULL);
  return close(fd) == 0 ? 0 : Failed("close f", NULL);
}
#endif

int main(void) {
  char temporary[] = "f.XXXXXX";
  const int fd = mkostemp(temporary, O_CLOEXEC);
#ifdef REPAIRED
  if (fd < 0) return Failed("mkostemp", NULL);
#else
  if (fd < 0) return ReplaceInPlace();
#endif
  if (TryToWrite(fd, kNew, NEW_SIZE) != 0) return Failed("write", temporary);
  if (fsync(fd) != 0) return Failed("fsync", temporary);
  if (close(fd) != 0) return Failed("close", temporary);
  if (rename(temporary, "f") != 0) return Failed("rename", temporary);
  return 0;
}
