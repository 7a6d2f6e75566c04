// Children of every kind, filters, descriptors closed in masses.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "interpose/testing/cases.h"

namespace oldornew::testing {
namespace {

void Vfork() {
  for (int i = 0; i < 20; ++i) {
    pid_t child = vfork();
    if (child == 0) {
      execl("/nonexistent", "x", nullptr);
      _exit(42);
    }
    SayEnd("failed exec", child);
    child = vfork();
    if (child == 0) {
      execl("/bin/sh", "sh", "-c", "exit 5", nullptr);
      _exit(42);
    }
    SayEnd("exec", child);
    child = vfork();
    if (child == 0) _exit(WriteNull() ? 3 : 4);
    SayEnd("exit", child);
  }
}

void Spawn() {
  char* bad[] = {const_cast<char*>("x"), nullptr};
  char* script[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                    const_cast<char*>("echo spawned; exit 6"), nullptr};
  char* nothing[] = {nullptr};
  for (int i = 0; i < 20; ++i) {
    pid_t child = -1;
    SayResult("nonexistent", posix_spawn(&child, "/nonexistent", nullptr, nullptr, bad, environ));
    SayResult("directory", posix_spawn(&child, "/tmp", nullptr, nullptr, bad, environ));
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawnattr_init(&attributes);
    sigset_t set;
    sigfillset(&set);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setsigmask(&attributes, &set);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    for (char** environment : {environ, nothing}) {
      const int error = posix_spawnp(&child, "sh", &actions, &attributes, script, environment);
      SayEnd("sh", child);
      SayResult("spawn", error);
    }
    posix_spawn_file_actions_addopen(&actions, 5, "/nonexistent/file", O_WRONLY | O_CREAT, 0600);
    SayResult("bad action", posix_spawnp(&child, "sh", &actions, &attributes, script, environ));
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  Say("system: %d", WEXITSTATUS(system("exit 9")));
  FILE* pipe = popen("cat; exit 4", "w");
  fputs("through a pipe\n", pipe);
  Say("popen: %d", WEXITSTATUS(pclose(pipe)));
}

int shared_value;

int StoreAndWrite(void* value) {
  shared_value += *static_cast<int*>(value);
  return WriteNull() ? 0 : 1;
}

void Clone() {
  char* stack = static_cast<char*>(
      mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int value = 5;
  signal(SIGUSR1, SIG_IGN);
  for (const int flags : {CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, CLONE_VM | SIGCHLD,
                          CLONE_VM | CLONE_VFORK | SIGCHLD, SIGCHLD, CLONE_VFORK | SIGCHLD,
                          CLONE_FILES | SIGCHLD, CLONE_VM | CLONE_SIGHAND | SIGCHLD, SIGUSR1, 0}) {
    for (int misaligned = 0; misaligned < 16; misaligned += 8) {
      int told = 0;
      const pid_t child = clone(StoreAndWrite, stack + 65536 - misaligned,
                                flags | CLONE_PARENT_SETTID, &value, &told, nullptr, nullptr);
      Say("flags %x: told %d", static_cast<unsigned>(flags), told == child);
      SayEnd("clone", child);
      Say("value %d", shared_value);
    }
  }
  SayResult("bad flags", clone(StoreAndWrite, stack + 65536, CLONE_THREAD | SIGCHLD, &value));
}

void Clone3() {
  for (const uint64_t flags : {uint64_t{0}, uint64_t{CLONE_VFORK}, uint64_t{0x100000000}}) {
    clone_args arguments = {};
    arguments.flags = flags;
    arguments.exit_signal = SIGCHLD;
    for (const long size : {64L, 80L, 88L}) {
      const long child = syscall(SYS_clone3, &arguments, size);
      if (child == 0) _exit(WriteNull() ? 20 : 21);
      SayEnd("clone3", static_cast<pid_t>(child));
    }
  }
  clone_args arguments = {};
  SayResult("short", syscall(SYS_clone3, &arguments, 8L));
  SayResult("bad", syscall(SYS_clone3, 8L, 64L));
  arguments.exit_signal = 1000;
  SayResult("signal", syscall(SYS_clone3, &arguments, 64L));
}

void ManyChildren() {
  int good = 0;
  for (int i = 0; i < 300; ++i) {
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) _exit(getppid() == parent && getpid() != parent && WriteNull() ? 1 : 2);
    int status;
    if (waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 1) ++good;
  }
  Say("children %d", good);
}

int Nest(int depth) {
  if (depth == 0) return WriteNull() ? 0 : 100;
  const pid_t child = fork();
  if (child == 0) _exit(Nest(depth - 1) + 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

void NestedForks() { Say("depth %d", Nest(30)); }

void Daemon() {
  int fds[2];
  if (pipe(fds) != 0) return;
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    _exit(write(fds[1], "daemon", 6) == 6 ? 0 : 1);
  }
  SayEnd("first", child);
  char text[8] = {};
  close(fds[1]);
  SayResult("read", read(fds[0], text, 6));
  Say("%s", text);
  SayResult("end", read(fds[0], text, 6));
}

void CloseEverything() {
  for (int i = 0; i < 50; ++i) open("/dev/null", O_WRONLY);
  closefrom(3);
  SayResult("after closefrom", open("/dev/null", O_WRONLY));
  for (int fd = 3; fd < 4096; ++fd) close(fd);
  SayResult("after a loop", open("/dev/null", O_WRONLY));
  SayResult("close_range", syscall(SYS_close_range, 3L, ~0u, 0L));
  SayResult("after close_range", open("/dev/null", O_WRONLY));
  SayResult("close_range, cloexec", syscall(SYS_close_range, 3L, ~0u, 4L));
  Say("write %d", WriteNull());
  rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 5;
  SayResult("limit", setrlimit(RLIMIT_NOFILE, &limit));
  for (int i = 0; i < 4; ++i) SayResult("open", open("/dev/null", O_WRONLY));
  close(0);
  close(2);
  SayResult("open", open("/dev/null", O_WRONLY));
}

/// The first `count` numbers pass, everything else gets `otherwise`.
int Filter(const int* allowed, int count, uint32_t otherwise) {
  sock_filter filter[64];
  int n = 0;
  filter[n++] = {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0};
  for (int i = 0; i < count; ++i) {
    filter[n++] = {BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned char>(count - i), 0,
                   static_cast<uint32_t>(allowed[i])};
  }
  filter[n++] = {BPF_RET, 0, 0, otherwise};
  filter[n++] = {BPF_RET, 0, 0, SECCOMP_RET_ALLOW};
  sock_fprog program = {static_cast<unsigned short>(n), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

void OwnFilter() {
  pid_t child = fork();
  if (child == 0) {
    sock_filter filter[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                            {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_rename},
                            {BPF_RET, 0, 0, SECCOMP_RET_ERRNO | EPERM},
                            {BPF_RET, 0, 0, SECCOMP_RET_ALLOW}};
    sock_fprog program = {4, filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, 2, &program);
    SayResult("rename", rename("/x", "/y"));
    _exit(WriteNull() ? 10 : 1);
  }
  SayEnd("denied rename", child);
  child = fork();
  if (child == 0) {
    const int allowed[] = {SYS_write, SYS_exit_group, SYS_openat, SYS_close};
    if (Filter(allowed, sizeof allowed / sizeof *allowed, SECCOMP_RET_KILL_PROCESS) != 0) _exit(1);
    Say("written in the sandbox");
    _exit(WriteNull() ? 11 : 1);
  }
  SayEnd("killing filter", child);
  child = fork();
  if (child == 0) {
    const int allowed[] = {SYS_write, SYS_exit_group};
    if (Filter(allowed, 2, SECCOMP_RET_ERRNO | ENOSYS) != 0) _exit(1);
    SayResult("write", write(1, "narrow\n", 7));
    _exit(12);
  }
  SayEnd("narrow filter", child);
  child = fork();
  if (child == 0) {
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(1);
    const ssize_t size = write(1, "strict\n", 7);
    syscall(SYS_exit, static_cast<int>(size));
  }
  SayEnd("strict mode", child);
}

/// A filter stays across exec: what it forbids is forbidden to the recorder in the new image as
/// well.
void FilterAcrossExec() {
  const int forbidden[] = {SYS_prctl,  SYS_readlink,          SYS_madvise,     SYS_getpid,
                           SYS_gettid, SYS_getppid,           SYS_sched_yield, SYS_lseek,
                           SYS_ppoll,  SYS_process_vm_writev, SYS_sigaltstack};
  for (const uint32_t otherwise :
       {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO | EPERM}) {
    const pid_t child = fork();
    if (child == 0) {
      sock_filter filter[64];
      int n = 0;
      filter[n++] = {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0};
      for (const int nr : forbidden) {
        filter[n++] = {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<uint32_t>(nr)};
        filter[n++] = {BPF_RET, 0, 0, otherwise};
      }
      filter[n++] = {BPF_RET, 0, 0, SECCOMP_RET_ALLOW};
      sock_fprog program = {static_cast<unsigned short>(n), filter};
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (prctl(PR_SET_SECCOMP, 2, &program) != 0) _exit(1);
      execl(self, self, "--again", "write", "7", nullptr);
      _exit(2);
    }
    SayEnd("under a filter", child);
  }
}

/// Another user of Syscall User Dispatch gets the answer of a kernel without it.
void DispatchIsTaken() {
  const int result = prctl(59, 7, 0, 0, 0);
  SayResult("nonsense mode", result);
}

}  // namespace

const TortureCase kProcessCases[] = {{"vfork", Vfork},
                                     {"spawn", Spawn},
                                     {"clone", Clone},
                                     {"clone3", Clone3},
                                     {"many-children", ManyChildren},
                                     {"nested-forks", NestedForks},
                                     {"daemon", Daemon},
                                     {"close-everything", CloseEverything},
                                     {"own-filter", OwnFilter},
                                     {"filter-across-exec", FilterAcrossExec},
                                     {"dispatch-is-taken", DispatchIsTaken},
                                     {nullptr, nullptr}};

}  // namespace oldornew::testing
