// PUZZLE: fsyncs the descriptor of a FILE whose bytes are still in the buffer of the C library.
// PUZZLE setup: echo state = old > f
// EXPECT ext4 ext4@<6.5 ext4,data=writeback ext4,noauto_da_alloc: atomic:empty atomic:zeros
// EXPECT ext4,data=writeback,dioread_lock: atomic:empty atomic:zeros atomic:garbage
// EXPECT rest: atomic:empty
//
// Why: the write happens in fclose, after the rename: the fsync had nothing to force, and what was
// published is empty.
#include "puzzle.h"

int main(void) {
  FILE* stream = fopen("f.new", "we");
  if (stream == NULL) Must(-1, "fopen");
  if (fputs(kNew, stream) < 0) Must(-1, "fputs");
  Must(fsync(fileno(stream)), "fsync");
  Rename("f.new", "f");
  if (fclose(stream) != 0) Must(-1, "fclose");
  SyncDirectory(".");
  return 0;
}
