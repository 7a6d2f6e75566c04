// PUZZLE: nothing is wrong: the log is fsynced before the index that counts on it is published.
// PUZZLE setup: printf 'first record\n' > log; echo 13 > index
// PUZZLE options: --check 'test "$(tr -d "\0" < log | wc -c)" -ge "$(cat index)"'
// PUZZLE oracles: check
// EXPECT rest: clean
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("log", O_WRONLY | O_APPEND | O_CLOEXEC), "log");
  WriteAll(fd, "second record\n", 14);
  Must(fdatasync(fd), "fdatasync");
  SyncAndClose(Create("index.new", "27\n"));
  Rename("index.new", "index");
  SyncDirectory(".");
  Must(close(fd), "close");
  return 0;
}
