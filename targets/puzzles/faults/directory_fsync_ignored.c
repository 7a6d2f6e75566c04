// PUZZLE: the answer of the directory's fsync is ignored: "done" is said of what the next power cut may undo.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS fsync:path=.:error=EIO: exit 0, f new
// SHOWS repaired fsync:path=.:error=EIO: exit 3, f new
// EXPECT faults: durable:old-after-ack fsync(.) EIO
#include "update.h"

int main(void) {
  const int directory = OpenDirectory();
  MakeTemporary();
#ifdef REPAIRED
  Publish(directory);
#else
  if (rename("f.new", "f") != 0) GiveUp("rename");
  fsync(directory);
#endif
  return 0;
}
