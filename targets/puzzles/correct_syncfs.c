// PUZZLE: nothing is wrong: one syncfs for the data of many new files, one for all the renames.
// PUZZLE setup: for i in 0 1 2 3 4; do echo state = old > f$i; done
// EXPECT rest: clean
//
// Why (persistence-model.md): L51. syncfs forces everything before it, data included.
#include "puzzle.h"

int main(void) {
  char from[16];
  char to[16];
  const int directory = Must(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ".");
  for (int i = 0; i < 5; ++i) {
    snprintf(from, sizeof(from), "f%d.new", i);
    Must(close(Create(from, kNew)), "close");
  }
  Must(syncfs(directory), "syncfs");
  for (int i = 0; i < 5; ++i) {
    snprintf(from, sizeof(from), "f%d.new", i);
    snprintf(to, sizeof(to), "f%d", i);
    Rename(from, to);
  }
  Must(syncfs(directory), "syncfs");
  return 0;
}
