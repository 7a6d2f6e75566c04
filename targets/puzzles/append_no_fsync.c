// PUZZLE: appends a record to a small log and trusts that it is there, or not there.
// PUZZLE setup: echo first record > log
// EXPECT ext4,data=journal xfs btrfs*: durable:old-after-ack
// EXPECT rest: atomic:torn durable:old-after-ack
//
// Why (persistence-model.md): L09s. The record falls into the last, already allocated block: ext4
// journals the new size at once and reads zeros where the data has not landed, in every mode but
// data=journal. xfs and btrfs update the size after the data.
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("log", O_WRONLY | O_APPEND | O_CLOEXEC), "log");
  WriteAll(fd, "second record\n", 14);
  Must(close(fd), "close");
  return 0;
}
