// PUZZLE: SIGTERM makes it "save what there is": the half file is published, and success reported.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: kill
// SHOWS write:path=f.new:signal=SIGTERM:when=1: exit 0, f truncated
// SHOWS repaired write:path=f.new:signal=SIGTERM:when=1: exit -15, f old
// EXPECT kill: honest:not-done openat(.) SIGTERM
// EXPECT kill: honest:empty openat(f.new) SIGTERM
// EXPECT kill: honest:truncated write(f.new) SIGTERM
#include <signal.h>

#include "update.h"

static volatile sig_atomic_t finished;

static void OnTerm(int number) {
#ifdef REPAIRED
  if (!finished) unlink("f.new");
  signal(number, SIG_DFL);
  raise(number);
#else
  (void)number;
  if (finished) return;
  rename("f.new", "f");
  _exit(0);
#endif
}

int main(void) {
  signal(SIGTERM, OnTerm);
  const int directory = OpenDirectory();
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, kNew, 20);
  WriteOrGiveUp(fd, kNew + 20, NEW_SIZE - 20);
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, NULL);  // from here on the update is finished or not begun
  Publish(directory);
  finished = 1;
  return 0;
}
