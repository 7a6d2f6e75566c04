// One behaviour per name in argv[1], for tests of the recorder.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace {

/// 0 or the errno of the open.
int WriteOnce(const char* path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd < 0) return errno;
  if (write(fd, "once", 4) != 4) abort();
  close(fd);
  return 0;
}

void Append(const char* file, char byte, int times) {
  std::string line(100, byte);
  line += '\n';
  int fd = open(file, O_WRONLY | O_APPEND | O_CREAT, 0644);
  for (int i = 0; i < times; i++) {
    if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) abort();
  }
  close(fd);
}

/// Four threads and four processes append to one file; four threads share one position.
int Appenders() {
  for (int p = 0; p < 4; p++) {
    if (fork() == 0) {
      Append("log", static_cast<char>('a' + p), 200);
      _exit(0);
    }
  }
  int shared = open("shared", O_WRONLY | O_CREAT, 0644);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([t, shared] {
      Append("log", static_cast<char>('A' + t), 200);
      for (int i = 0; i < 200; i++) {
        if (write(shared, "0123456789", static_cast<size_t>(1 + (i + t) % 10)) < 0) abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (wait(nullptr) > 0) {
  }
  close(shared);
  return 0;
}

/// Children change files until they are killed, at a different moment each.
int Killed() {
  for (int round = 0; round < 30; round++) {
    pid_t child = fork();
    if (child == 0) {
      std::string name = "k" + std::to_string(round);
      for (int i = 0;; i++) {
        int fd = open(name.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
        if (write(fd, name.data(), name.size()) < 0) _exit(1);
        close(fd);
        rename(name.c_str(), (name + ".done").c_str());
      }
    }
    usleep(static_cast<useconds_t>(500 + round * 137));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    Append("after", 'x', 1);  // the lock must not have died with its holder
  }
  return 0;
}

/// One of many who change files as fast as they can: every kind of call that leaves something
/// behind.
[[noreturn]] void ChangeForEver(const std::string& name, std::atomic<int>* calls) {
  const std::string large(20000, name.back());
  for (int i = 0;; i++) {
    int fd = open(name.c_str(), O_CREAT | O_WRONLY | (i % 3 == 0 ? O_TRUNC : O_APPEND), 0644);
    if (write(fd, large.data(), static_cast<size_t>(i % 2 == 0 ? 100 : 20000)) < 0) _exit(1);
    if (pwrite(fd, "middle", 6, 50) < 0 || ftruncate(fd, 5000 + i % 100) != 0) _exit(2);
    fsync(fd);
    close(fd);
    if (rename(name.c_str(), (name + ".b").c_str()) != 0 ||
        link((name + ".b").c_str(), name.c_str()) != 0)
      _exit(3);
    if (unlink((name + ".b").c_str()) != 0 || mkdir((name + ".d").c_str(), 0700) != 0) _exit(4);
    if (symlink("to", (name + ".d/l").c_str()) != 0 ||
        chmod(name.c_str(), i % 2 == 0 ? 0600 : 0644) != 0)
      _exit(5);
    if (unlink((name + ".d/l").c_str()) != 0 || rmdir((name + ".d").c_str()) != 0) _exit(6);
    (*calls)++;
  }
}

/// Rounds of four processes with four threads each, all killed at once in the middle of things; in
/// the end ourselves too, if `all`.
int Slaughter(int rounds, bool all) {
  void* shared = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* calls = new (shared) std::atomic<int>(0);
  for (int round = 0; round < rounds; round++) {
    std::vector<pid_t> children;
    for (int p = 0; p < 4; p++) {
      children.push_back(fork());
      if (children.back() != 0) continue;
      alarm(30);  // whatever becomes of us
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; t++) {
        threads.emplace_back([=] {
          ChangeForEver(
              "r" + std::to_string(round) + "p" + std::to_string(p) + "t" + std::to_string(t),
              calls);
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    while (*calls < (round + 1) * 16 + round * 7) sched_yield();
    if (all && round == rounds - 1) kill(0, SIGKILL);
    for (pid_t child : children) kill(child, SIGKILL);
    for (pid_t child : children) waitpid(child, nullptr, 0);
  }
  return 0;
}

/// A handler that interrupts everything, makes calls of its own and sometimes jumps away.
std::atomic<int> signals{0};
void OnAlarm(int) {
  signals++;
  Append("handler", 'h', 1);
}
int Signals() {
  struct sigaction action{};
  action.sa_handler = OnAlarm;
  sigaction(SIGALRM, &action, nullptr);
  std::thread other([] {
    for (int i = 0; i < 200; i++) {
      kill(getpid(), SIGALRM);
      usleep(100);
    }
  });
  while (signals < 50) Append("main", 'm', 1);
  other.join();
  return 0;
}

int MapShared(const char* name, bool protect_later) {
  int fd = open(name, O_RDWR | O_CREAT, 0644);
  if (ftruncate(fd, 4096) != 0) return 1;
  void* at =
      mmap(nullptr, 4096, protect_later ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at == MAP_FAILED) return 2;
  if (protect_later && mprotect(at, 4096, PROT_READ | PROT_WRITE) != 0) return 3;
  if (!protect_later) static_cast<char*>(at)[0] = 0;
  return 0;
}

int Spawn() {
  const char* argv[] = {"sh", "-c", "echo spawned > spawned", nullptr};
  for (int i = 0; i < 5; i++) {
    pid_t child;
    if (posix_spawnp(&child, "sh", nullptr, nullptr, const_cast<char**>(argv), environ) != 0)
      return 1;
    int status;
    waitpid(child, &status, 0);
    if (status != 0) return 2;
    if (posix_spawnp(&child, "no-such-program", nullptr, nullptr, const_cast<char**>(argv),
                     environ) == 0)
      return 3;
  }
  return 0;
}

/// Writes past the end of a small recording.
int Fill() {
  int fd = open("big", O_WRONLY | O_CREAT, 0644);
  std::string megabyte(1 << 20, 'f');
  for (int i = 0; i < 40; i++) {
    if (write(fd, megabyte.data(), megabyte.size()) != 1 << 20) return 1;
  }
  return 0;
}

/// Writes are cut short by a limit on file sizes, so that recorded room is given back; more calls
/// follow.
int Short() {
  signal(SIGXFSZ, SIG_IGN);
  rlimit limit = {10000, 10000};
  setrlimit(RLIMIT_FSIZE, &limit);
  std::string bytes(50000, 'g');
  for (int i = 0; i < 10; i++) {
    int fd = open("short", O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (write(fd, bytes.data(), bytes.size()) != 10000) return 1;
    if (write(fd, bytes.data(), bytes.size()) != -1) return 2;
    close(fd);
    rename("short", "s");
  }
  return 0;
}

/// Opens with O_CREAT of what is there already, each right after one that really created.
int Creates() {
  if (WriteOnce("old", O_WRONLY | O_CREAT) != 0) return 1;
  if (symlink("old", "link") != 0 || symlink("far", "dangling") != 0 || mkdir("dir", 0755) != 0)
    return 2;
  int round = 0;
  auto fresh = [&] {
    return WriteOnce(("new" + std::to_string(round++)).c_str(), O_WRONLY | O_CREAT);
  };
  if (fresh() != 0 || WriteOnce("old", O_WRONLY | O_CREAT) != 0) return 3;
  if (fresh() != 0 || WriteOnce("old", O_WRONLY | O_CREAT | O_TRUNC) != 0) return 4;
  if (fresh() != 0 || WriteOnce("link", O_WRONLY | O_CREAT | O_APPEND) != 0) return 5;
  if (fresh() != 0 || WriteOnce("dangling", O_WRONLY | O_CREAT) != 0) return 6;
  if (fresh() != 0 || WriteOnce("dir", O_WRONLY | O_CREAT) != EISDIR) return 7;
  if (fresh() != 0 || WriteOnce("dir", O_RDONLY | O_CREAT) != EISDIR) return 8;
  if (fresh() != 0 || WriteOnce("none/old", O_WRONLY | O_CREAT) != ENOENT) return 9;
  if (fresh() != 0 || WriteOnce("old/", O_WRONLY | O_CREAT) != EISDIR) return 10;
  if (fresh() != 0 || WriteOnce("link", O_WRONLY | O_CREAT | O_NOFOLLOW) != ELOOP) return 11;
  if (fresh() != 0 || WriteOnce("old", O_WRONLY | O_CREAT | O_EXCL) != EEXIST) return 12;
  return 0;
}

/// Four threads, one after the other, each forces a file to disk.
int Threads() {
  int fd = open("file", O_WRONLY | O_CREAT, 0644);
  for (int i = 0; i < 4; i++) std::thread([fd] { fsync(fd); }).join();
  return 0;
}

/// Opened with O_TRUNC, mapped (or not), written, closed.
int HeldOpen(bool mapped) {
  int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (write(fd, "held", 4) != 4) return 1;
  if (mapped && mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) return 2;
  return close(fd);
}

/// Meets the limit on file sizes, with the default action of SIGXFSZ.
int TooLarge() {
  rlimit limit = {1000, 1000};
  setrlimit(RLIMIT_FSIZE, &limit);
  int fd = open("file", O_WRONLY | O_CREAT, 0644);
  std::string bytes(1500, 'l');
  if (write(fd, bytes.data(), bytes.size()) != 1000) return 1;
  if (write(fd, bytes.data(), bytes.size()) != 0) return 2;  // it does not come back
  return 3;
}

int LockAll() {
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return 1;
  Append("locked", 'l', 1);
  return 0;
}

int WriteTo(const char* path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return 1;
  return write(fd, "x", 1) == 1 ? 0 : 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::string what = argc > 1 ? argv[1] : "";
  const char* argument = argc > 2 ? argv[2] : "";
  umask(0);
  if (what == "appenders") return Appenders();
  if (what == "killed") return Killed();
  if (what == "slaughter") return Slaughter(atoi(argument), false);
  if (what == "slaughter-all") {
    setpgid(0, 0);
    return Slaughter(atoi(argument), true);
  }
  if (what == "signals") return Signals();
  if (what == "map") return MapShared(argument, false);
  if (what == "protect") return MapShared(argument, true);
  if (what == "spawn") return Spawn();
  if (what == "fill") return Fill();
  if (what == "short") return Short();
  if (what == "creates") return Creates();
  if (what == "held") return HeldOpen(*argument != 0);
  if (what == "too-large") return TooLarge();
  if (what == "threads") return Threads();
  if (what == "lockall") return LockAll();
  if (what == "write") return WriteTo(argument);
  if (what == "unlink") return unlink(argument) == 0 ? 0 : 1;
  if (what == "mkdir") return mkdir(argument, 0755) == 0 ? 0 : 1;
  if (what == "chmod") return chmod(argument, 0600) == 0 ? 0 : 1;
  if (what == "uring")
    return static_cast<int>(syscall(SYS_io_uring_setup, 4, std::string(200, '\0').data()) < 0);
  return 100;
}
