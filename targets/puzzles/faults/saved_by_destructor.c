// PUZZLE: KDE's KSaveFile in shape: whoever forgets to look at the stream's state has the half file published at the end of
// the scope; the state that is looked at is that of the last write.
// PUZZLE setup: echo state = old > f
// PUZZLE axes: faults
// SHOWS write:path=f.new:error=ENOSPC:when=1: exit 0, f torn
// SHOWS write:path=f.new:error=ENOSPC:when=3: exit 1, f old
// SHOWS repaired write:path=f.new:error=ENOSPC:when=1: exit 1, f old
// EXPECT faults: honest:foreign write(f.new) ENOSPC,EIO
#include "update.h"

struct SaveFile {
  int fd;
  bool failed;
};

static void Put(struct SaveFile* file, const char* data, size_t size) {
  const bool failed = TryToWrite(file->fd, data, size) != 0;
#ifdef REPAIRED
  file->failed |= failed;
#else
  file->failed = failed;
#endif
}

/// What the destructor does.
static void Finalize(struct SaveFile* file, int directory) {
  if (file->failed) GiveUp("write");
  SyncOrGiveUp(file->fd);
  CloseOrGiveUp(file->fd);
  Publish(directory);
}

int main(void) {
  const int directory = OpenDirectory();
  struct SaveFile file = {.fd = OpenTemporary()};
  Put(&file, kNew, 12);
  Put(&file, kNew + 12, 20);
  Put(&file, kNew + 32, NEW_SIZE - 32);
  Finalize(&file, directory);
  return 0;
}
