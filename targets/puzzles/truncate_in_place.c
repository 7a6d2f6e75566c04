// PUZZLE: truncates the file and writes it again.
// PUZZLE setup: echo state = old > f
// EXPECT ext4 ext4@<6.5 ext4,noauto_da_alloc: atomic:empty atomic:zeros durable:old-after-ack
// EXPECT ext4,data=writeback*: atomic:empty atomic:zeros atomic:garbage durable:old-after-ack
// EXPECT rest: atomic:empty durable:old-after-ack
//
// Why (persistence-model.md): L12 and L12d; between open and close the empty file is reachable in
// every profile (3 h).
#include "puzzle.h"

int main(void) {
  const int fd = Must(open("f", O_WRONLY | O_TRUNC | O_CLOEXEC), "f");
  WriteAll(fd, kNew, strlen(kNew));
  Must(close(fd), "close");
  return 0;
}
