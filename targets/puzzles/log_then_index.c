// PUZZLE: appends a record to a log without fsync, then publishes, durably, an index that says how long the log is.
// PUZZLE setup: printf 'first record\n' > log; echo 13 > index
// PUZZLE options: --check 'test "$(tr -d "\0" < log | wc -c)" -ge "$(cat index)"'
// PUZZLE oracles: check
// PUZZLE repair: fsync(log) after write(log, 14 B)
// EXPECT ext4,data=journal: clean
// EXPECT rest: check:rejected-by-check
//
// Why (persistence-model.md): an fsync forces the data of its own file only (7.3 E5). ext4 brings
// along the size of the log (metadata is a prefix, 7.6.3) but not the bytes; xfs and btrfs neither.
// With data=journal data is part of the prefix.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("log", O_WRONLY | O_APPEND | O_CLOEXEC), "log");
  WriteAll(fd, "second record\n", 14);
#ifdef REPAIRED
  Must(fsync(fd), "fsync");
#endif
  SyncAndClose(Create("index.new", "27\n"));
  Rename("index.new", "index");
  SyncDirectory(".");
  Must(close(fd), "close");
  return 0;
}
