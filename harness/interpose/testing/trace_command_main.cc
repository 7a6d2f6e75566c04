// trace_command RECORDING CMD...: runs CMD under the ptrace backend, waits for all its processes
// and ends as it ended.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interpose/ptrace/tracer.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  auto tracer = oldornew::ptrace::Tracer::Create(
      {.recording = argv[1], .pin = getenv("TRACE_UNPINNED") == nullptr});
  if (!tracer) {
    fprintf(stderr, "trace_command: %s\n", tracer.error().message.c_str());
    return 2;
  }
  const pid_t child = fork();
  if (child == 0) {
    if (!(*tracer)->WaitToBeTraced()) _exit(125);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  if (auto attached = (*tracer)->Attach(child); !attached) {
    fprintf(stderr, "trace_command: %s\n", attached.error().message.c_str());
    return 2;
  }
  int end = 0, status;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, __WALL | ((*tracer)->Waits() ? WNOHANG : 0));
    if (pid < 0 && errno != EINTR) break;
    if (pid == 0) {
      usleep(50);
      (*tracer)->Poll();
    } else if (pid > 0 && !(*tracer)->Handle(pid, status) && pid == child) {
      end = status;
    }
  }
  tracer->reset();
  if (WIFSIGNALED(end)) {
    signal(WTERMSIG(end), SIG_DFL);
    kill(getpid(), WTERMSIG(end));
  }
  return WEXITSTATUS(end);
}
