// PUZZLE: nothing is wrong: three versions are published one after the other, each whole.
// PUZZLE setup: echo 0 > f
// EXPECT rest: clean
#include "puzzle.h"

int main(void) {
  static const char* const kVersions[] = {"version 1\n", "version 2, longer\n", "3\n"};
  for (int i = 0; i < 3; i++) {
    SyncAndClose(Create("f.new", kVersions[i]));
    Rename("f.new", "f");
    SyncDirectory(".");
  }
  return 0;
}
