// PUZZLE: the mode is set between the fsync of the new file and its rename.
// PUZZLE setup: chmod 0755 .; echo state = old > f; chmod 0640 f
// PUZZLE oracles: atomic durable attrs private
// EXPECT btrfs btrfs,nodatacow btrfs,flushoncommit posix: attrs:mixed-attributes
// EXPECT rest: clean
//
// Why (persistence-model.md): 7.6.4. ext4 and xfs keep the order of all metadata. btrfs logs the
// new name with the fsync of the directory, and the mode only with a fsync of the file itself.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("f.new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "f.new");
  WriteAll(fd, kNew, strlen(kNew));
  Must(fsync(fd), "fsync");
  Must(fchmod(fd, 0640), "fchmod");
  Must(close(fd), "close");
  Rename("f.new", "f");
  SyncDirectory(".");
  return 0;
}
