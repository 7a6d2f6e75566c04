// What the puzzles about failing calls share: the right way to do the steps that a puzzle does not
// get wrong. A failure before the rename removes f.new, prints the reason and exits with 1. After
// the rename the exit status is 3: f is new, but may be lost.
#pragma once

#include "../puzzle.h"

#define NEW_SIZE (sizeof(kNew) - 1)

/// Says what failed.
static inline void Say(const char* what) { fprintf(stderr, "%s: %s\n", what, strerror(errno)); }

/// Ends an update that published nothing.
static inline _Noreturn void GiveUp(const char* what) {
  Say(what);
  unlink("f.new");
  exit(1);
}

/// A killed run may have left a file there: it is ours, and is used again.
static inline int OpenTemporary(void) {
  const int fd = open("f.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) GiveUp("open f.new");
  return fd;
}

/// Writes everything: 0, or -1 and errno.
static inline int TryToWrite(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t count = write(fd, data, size);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) errno = EIO;
    if (count <= 0) return -1;
    data += count;
    size -= (size_t)count;
  }
  return 0;
}

static inline void WriteOrGiveUp(int fd, const char* data, size_t size) {
  if (TryToWrite(fd, data, size) != 0) GiveUp("write");
}

/// No second attempt: after a failed fsync the pages count as clean.
static inline void SyncOrGiveUp(int fd) {
  if (fsync(fd) != 0) GiveUp("fsync");
}

static inline void CloseOrGiveUp(int fd) {
  if (close(fd) != 0) GiveUp("close");
}

/// f.new, written, on disk and closed.
static inline void MakeTemporary(void) {
  const int fd = OpenTemporary();
  WriteOrGiveUp(fd, kNew, NEW_SIZE);
  SyncOrGiveUp(fd);
  CloseOrGiveUp(fd);
}

/// Opened before anything is published, so that nothing but the fsync itself can fail afterwards.
static inline int OpenDirectory(void) {
  const int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) GiveUp("open .");
  return fd;
}

/// Makes a published f survive a power cut. That the close of a directory fails means nothing.
static inline void SyncDirectoryOf(int directory) {
  if (fsync(directory) != 0) {
    Say("f is new, but may be lost in a power cut: fsync .");
    exit(3);
  }
  close(directory);
}

/// Renames f.new to f. An error does not prove that nothing was done. That f.new can still be
/// removed proves it.
static inline void Publish(int directory) {
  if (rename("f.new", "f") != 0) {
    Say("rename");
    if (unlink("f.new") == 0) exit(1);
    fprintf(stderr, "f may be new\n");
    exit(3);
  }
  SyncDirectoryOf(directory);
}
