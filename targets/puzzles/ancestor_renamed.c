// PUZZLE: publishes a directory by renaming it, and fsyncs the file inside once more to be sure.
// PUZZLE setup: :
// EXPECT rest: durable:old-after-ack
//
// Why (persistence-model.md): L40. The file is clean: its fsync forces the log up to the last
// change of that file, and a rename of its directory is not a change of the file. This was observed
// on all three file systems, and with data=journal too.
#include "puzzle.h"

int main(void) {
  Must(mkdir("staging", 0755), "mkdir");
  SyncAndClose(Create("staging/f", kNew));
  SyncDirectory("staging");
  SyncDirectory(".");
  Rename("staging", "live");
  SyncAndClose(Must(open("live/f", O_RDONLY | O_CLOEXEC), "live/f"));
  return 0;
}
