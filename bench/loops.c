// The workloads of bench/overhead that need a program of their own. The program times itself, so
// that neither its own start nor the start of the tool around it counts.
//
// usage: loops pwrite ROUNDS     pwrite of 64 bytes
//        loops replace ROUNDS    open(O_CREAT|O_TRUNC), write 512 bytes, fsync, close, rename
//        loops run COMMAND...    starts the command once and waits for it
// Prints "elapsed N" (nanoseconds) as the last line of standard output.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int Pwrite(int rounds) {
  char data[64];
  memset(data, 'n', sizeof data);
  const int fd = open("f", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  for (int i = 0; i < rounds; ++i) {
    if (pwrite(fd, data, sizeof data, (i % 1024) * 64) != (ssize_t)sizeof data) return 1;
  }
  return close(fd);
}

static int Replace(int rounds) {
  char data[512];
  memset(data, 'n', sizeof data);
  for (int i = 0; i < rounds; ++i) {
    const int fd = open("f.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (write(fd, data, sizeof data) != (ssize_t)sizeof data || fsync(fd) != 0 || close(fd) != 0)
      return 1;
    if (rename("f.new", "f") != 0) return 1;
  }
  return 0;
}

static int Run(char** command) {
  pid_t child;
  int status;
  if (posix_spawnp(&child, command[0], NULL, NULL, command, environ) != 0) return 1;
  return waitpid(child, &status, 0) != child || status != 0;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const double start = Now();
  int failed = 2;
  if (strcmp(argv[1], "pwrite") == 0) failed = Pwrite(atoi(argv[2]));
  if (strcmp(argv[1], "replace") == 0) failed = Replace(atoi(argv[2]));
  if (strcmp(argv[1], "run") == 0) failed = Run(argv + 2);
  printf("elapsed %.0f\n", Now() - start);
  return failed;
}
