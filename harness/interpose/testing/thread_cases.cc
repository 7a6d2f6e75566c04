// Threads: creation in masses, cancellation, unwinding, changes of identity that signal every
// thread.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "interpose/testing/cases.h"

namespace oldornew::testing {
namespace {

std::atomic<int> count;
int fds[2];
sem_t ready;

void WaitReady() {
  while (sem_wait(&ready) != 0) {
  }
}

void* CountedWrite(void*) {
  if (WriteNull()) ++count;
  return nullptr;
}

void ManyThreads() {
  for (int round = 0; round < 200; ++round) {
    pthread_t threads[8];
    for (pthread_t& thread : threads) pthread_create(&thread, nullptr, CountedWrite, nullptr);
    for (pthread_t& thread : threads) pthread_join(thread, nullptr);
  }
  Say("threads that wrote: %d", count.load());
}

void DetachedThreads() {
  sem_init(&ready, 0, 0);
  for (int round = 0; round < 300; ++round) {
    std::thread([] {
      CountedWrite(nullptr);
      sem_post(&ready);
    }).detach();
    WaitReady();
  }
  Say("detached: %d", count.load());
}

void SayCleanup(void* text) { Say("cleanup %s", static_cast<const char*>(text)); }

struct Destructor {
  const char* name;
  ~Destructor() { Say("destroyed %s", name); }
};

void* BlockInRead(void*) {
  Destructor destructor{"in read"};
  char c;
  pthread_cleanup_push(SayCleanup, const_cast<char*>("outer"));
  pthread_cleanup_push(SayCleanup, const_cast<char*>("inner"));
  sem_post(&ready);
  if (read(fds[0], &c, 1) >= 0) Say("not reached");
  pthread_cleanup_pop(0);
  pthread_cleanup_pop(0);
  return nullptr;
}

void* BlockInPause(void*) {
  Destructor destructor{"in pause"};
  sem_post(&ready);
  while (true) pause();
}

void* BlockInSemaphore(void*) {
  Destructor destructor{"in sem_wait"};
  sem_t never;
  sem_init(&never, 0, 0);
  sem_post(&ready);
  while (true) sem_wait(&never);
}

void* BlockInSleep(void*) {
  Destructor destructor{"in nanosleep"};
  sem_post(&ready);
  const timespec long_time = {1000, 0};
  while (true) nanosleep(&long_time, nullptr);
}

void* CallForever(void*) {
  Destructor destructor{"in a loop of writes"};
  const int fd = open("/dev/null", O_WRONLY);
  sem_post(&ready);
  while (write(fd, "x", 1) == 1) {
  }
  return nullptr;
}

void Cancellation() {
  sem_init(&ready, 0, 0);
  if (pipe(fds) != 0) return;
  for (int round = 0; round < 25; ++round) {
    for (void* (*body)(void*) :
         {BlockInRead, BlockInPause, BlockInSemaphore, BlockInSleep, CallForever}) {
      pthread_t thread;
      pthread_create(&thread, nullptr, body, nullptr);
      WaitReady();
      // usually blocked by now; the other rounds cancel it on its way
      if (round % 2 == 0) usleep(2000);
      const int error = pthread_cancel(thread);
      void* result = nullptr;
      pthread_join(thread, &result);
      SayResult("cancel", error);
      Say("cancelled: %d", result == PTHREAD_CANCELED);
    }
  }
}

void* ExitByCall(void*) {
  Destructor destructor{"before pthread_exit"};
  pthread_exit(reinterpret_cast<void*>(42));
}

void ExitThread() {
  pthread_t thread;
  void* result = nullptr;
  pthread_create(&thread, nullptr, ExitByCall, nullptr);
  pthread_join(thread, &result);
  Say("result %ld", reinterpret_cast<long>(result));
}

/// setgid and friends interrupt every thread by a signal of libc's own and wait until each has made
/// the call.
void ChangeOfIdentity() {
  sem_init(&ready, 0, 0);
  if (pipe(fds) != 0) return;
  std::vector<pthread_t> threads(6);
  int index = 0;
  for (pthread_t& thread : threads) {
    pthread_create(&thread, nullptr, index++ % 2 == 0 ? BlockInPause : CallForever, nullptr);
    WaitReady();
  }
  for (int i = 0; i < 50; ++i) {
    if (setgid(getgid()) != 0 || setuid(getuid()) != 0) Say("failed %d", errno);
  }
  for (pthread_t thread : threads) {
    pthread_cancel(thread);
    pthread_join(thread, nullptr);
  }
  Say("changed");
}

/// fork in one thread while others make calls: the child is alone and must work.
void ForkAmongThreads() {
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&stop] {
      while (!stop) WriteNull();
    });
  }
  int good = 0;
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      pthread_t thread;
      pthread_create(&thread, nullptr, CountedWrite, nullptr);
      pthread_join(thread, nullptr);
      _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 7) ++good;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  Say("children: %d", good);
}

/// A thread that unmaps its own stack and ends without touching it again, as musl's detached
/// threads do.
int UnmapOwnStack(void* stack) {
  CountedWrite(nullptr);
  long number = SYS_munmap;
  asm volatile(
      "syscall\n\t"
      "xor %%edi, %%edi\n\t"
      "mov $60, %%eax\n\t"
      "syscall"
      : "+a"(number)
      : "D"(stack), "S"(65536L)
      : "rcx", "r11", "memory");
  __builtin_unreachable();
}

void StackUnmappedUnderfoot() {
  for (int i = 0; i < 50; ++i) {
    char* stack = static_cast<char*>(
        mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::atomic<int> tid = -1;
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
    const int made = clone(UnmapOwnStack, stack + 65536, flags, stack, nullptr, nullptr, &tid);
    if (made < 0) Say("clone: %d", errno);
    while (tid != 0) sched_yield();
  }
  Say("ended: %d", count.load());
}

}  // namespace

const TortureCase kThreadCases[] = {{"many-threads", ManyThreads},
                                    {"detached-threads", DetachedThreads},
                                    {"cancellation", Cancellation},
                                    {"exit-thread", ExitThread},
                                    {"change-of-identity", ChangeOfIdentity},
                                    {"fork-among-threads", ForkAmongThreads},
                                    {"stack-unmapped-underfoot", StackUnmappedUnderfoot},
                                    {nullptr, nullptr}};

}  // namespace oldornew::testing
