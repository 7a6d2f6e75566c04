// A statically linked program, which the preload library cannot enter: it has to be noticed, or
// traced.
//
//   oldornew_interpose_static
//       does nothing
//   oldornew_interpose_static FILE PROGRAM...
//       prints its own environment, writes and syncs FILE, then runs PROGRAM
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv, char** envp) {
  if (argc < 3) return 0;
  const int fd = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC, 0644);
  if (write(fd, "static\n", 7) != 7 || fsync(fd) != 0 || close(fd) != 0) return 1;
  for (; *envp != nullptr; ++envp) puts(*envp);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    execvp("/nonexistent", argv + 2);
    execvp(argv[2], argv + 2);
    _exit(9);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}
