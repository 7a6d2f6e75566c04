// PUZZLE: stdio kept the bytes until fclose, whose answer is dropped: printf said yes, ferror said yes, and the disk no.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC: exit 0, f empty
// SHOWS repaired write:path=f.new:error=ENOSPC: exit 1, f old
// EXPECT faults: honest:empty,truncated write(f.new) ENOSPC,EIO,full,filling
// EXPECT faults: honest:lost-after-error close(f.new) EIO
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  FILE* stream = fdopen(OpenTemporary(), "w");
  if (stream == NULL) GiveUp("fdopen");
  if (fprintf(stream, "%s", kNew) < 0 || ferror(stream)) GiveUp("fprintf");
#ifdef REPAIRED
  if (fflush(stream) != 0 || fsync(fileno(stream)) != 0 || fclose(stream) != 0) GiveUp("fclose");
#else
  fclose(stream);
#endif
  Publish(directory);
  return 0;
}
