// What the puzzles share: system calls that end the program when they fail, and the content that
// most of them write. It is shorter than a sector, so that a single write of it cannot be torn and
// each outcome has one clear name.
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kNew[] = "state = new\nwritten by the puzzle, in full\n";

/// Ends the program with status 1 when `result` is negative; returns it otherwise.
static inline int Must(int result, const char* what) {
  if (result >= 0) return result;
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static inline void WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t count = write(fd, data, size);
    if (count <= 0) Must(-1, "write");
    data += count;
    size -= (size_t)count;
  }
}

/// Creates `path`, which must not exist, and writes `text`. Returns the open descriptor.
static inline int Create(const char* path, const char* text) {
  const int fd = Must(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), path);
  WriteAll(fd, text, strlen(text));
  return fd;
}

static inline void SyncAndClose(int fd) {
  Must(fsync(fd), "fsync");
  Must(close(fd), "close");
}

static inline void SyncDirectory(const char* path) {
  SyncAndClose(Must(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path));
}

static inline void Rename(const char* from, const char* to) { Must(rename(from, to), "rename"); }
