// PUZZLE: appends a record and updates the count in the file's header, with one fdatasync for both.
// PUZZLE setup: { printf 1; head -c 4095 /dev/zero; printf A; head -c 4095 /dev/zero; } > db
// PUZZLE options: --check 'n=$(head -c 1 db); test "$(tr -d "\0" < db | tail -c +2 | wc -c)" -ge "$n"'
// PUZZLE oracles: check
// EXPECT ext4,data=journal btrfs,flushoncommit: clean
// EXPECT rest: check:rejected-by-check
//
// Why (persistence-model.md): 7.2. Until the fdatasync returns, the pages of a file reach the disk
// in any order: the header may count a record that is not there. Data in the journal, and data that
// waits for the commit, come together.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("db", O_RDWR | O_CLOEXEC), "db");
  char record[4096] = "B";
  if (pwrite(fd, record, sizeof record, 8192) != (ssize_t)sizeof record) Must(-1, "pwrite");
  if (pwrite(fd, "2", 1, 0) != 1) Must(-1, "pwrite");
  Must(fdatasync(fd), "fdatasync");
  Must(close(fd), "close");
  return 0;
}
