// PUZZLE: the mode of the old file is given to the new one only when it is already in its place.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0640 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT rest: attrs:mixed-attributes
//
// Why (oracles.md 6): between the rename and the chmod the file has the new content and the mode of
// the temporary file, and a power cut can leave it so.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("f.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "f.new");
  WriteAll(fd, kNew, strlen(kNew));
  SyncAndClose(fd);
  Rename("f.new", "f");
  Must(chmod("f", 0640), "chmod");
  SyncDirectory(".");
  SyncAndClose(Must(open("f", O_RDONLY | O_CLOEXEC), "f"));
  return 0;
}
