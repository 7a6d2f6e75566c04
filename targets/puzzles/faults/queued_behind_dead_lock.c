// PUZZLE: whoever meets the lock of another writer queues its update in a file of its own and reports success; the lock of a
// killed writer stays, and so does the queue: nothing is ever written again, and each run leaves
// one more file.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: kill
// EXPECT kill: recoverable:not-done openat(f.lock) kill
// EXPECT kill: clean:litter openat(f.lock) kill
//
// Why: a lock that is a file outlives its holder. flock(2) goes with the process.
#include <sys/file.h>

#include "update.h"

#ifdef REPAIRED
static bool Lock(void) {
  const int fd = open("f.lock", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  return fd >= 0 && flock(fd, LOCK_EX) == 0;  // held until the process ends
}
static void Unlock(void) {}
#else
static bool Lock(void) {
  return open("f.lock", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) >= 0;
}
static void Unlock(void) { unlink("f.lock"); }
#endif

static int Queue(void) {
  char name[32];
  snprintf(name, sizeof(name), "f.queue.%d", (int)getpid());
  const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return fd >= 0 && TryToWrite(fd, kNew, NEW_SIZE) == 0 && fsync(fd) == 0 ? 0 : 1;
}

int main(void) {
  const int directory = OpenDirectory();
  if (!Lock()) return Queue();
  MakeTemporary();
  Publish(directory);
  Unlock();
  return 0;
}
