// Blocking calls interrupted by signals: EINTR, SA_RESTART, temporary masks.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "interpose/testing/cases.h"

namespace oldornew::testing {
namespace {

volatile sig_atomic_t hits;
int fds[2];

void CallingHandler(int) {
  const int error = errno;
  if (WriteNull()) hits = hits + 1;
  errno = error;
}

/// SIGALRM in 10 ms, into CallingHandler.
void Alarm(int flags) {
  struct sigaction action = {};
  action.sa_handler = CallingHandler;
  action.sa_flags = flags;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval timer = {{0, 0}, {0, 10000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void SayWait(const char* what, long result) {
  SayResult(what, result);
  Say("hits %d", hits);
}

void Interrupted() {
  if (pipe(fds) != 0) return;
  char c;
  Alarm(0);
  SayWait("read", read(fds[0], &c, 1));
  pollfd poller = {fds[0], POLLIN, 0};
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  for (const int flags : {0, static_cast<int>(SA_RESTART)}) {  // these are never restarted
    Alarm(flags);
    SayWait("poll", poll(&poller, 1, -1));
    Alarm(flags);
    SayWait("ppoll", ppoll(&poller, 1, nullptr, nullptr));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    Alarm(flags);
    SayWait("select", select(fds[0] + 1, &set, nullptr, nullptr, nullptr));
    Alarm(flags);
    SayWait("pselect", pselect(fds[0] + 1, &set, nullptr, nullptr, nullptr, nullptr));
    Alarm(flags);
    SayWait("epoll_wait", epoll_wait(epoll, &event, 1, -1));
    Alarm(flags);
    SayWait("epoll_pwait", epoll_pwait(epoll, &event, 1, -1, nullptr));
    Alarm(flags);
    SayWait("pause", pause());
    timespec left = {}, wanted = {30, 0};
    Alarm(flags);
    SayWait("nanosleep", nanosleep(&wanted, &left));
    Say("left %d", left.tv_sec >= 29);
    Alarm(flags);
    SayWait("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &wanted, &left));
  }
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  Alarm(0);
  SayWait("sem_wait", sem_wait(&semaphore));
  siginfo_t info;
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  Alarm(0);
  SayWait("sigwaitinfo", sigwaitinfo(&usr1, &info));
}

void* WriteWhenInterrupted(void*) {
  while (hits == 0) usleep(1000);
  if (write(fds[1], "z", 1) != 1) Say("no write");
  return nullptr;
}

/// The answer comes only after the interruption; a read that is not restarted would return EINTR
/// instead.
void Restarted() {
  if (pipe(fds) != 0) return;
  for (int round = 0; round < 20; ++round) {
    hits = 0;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    pthread_t thread;
    pthread_create(&thread, nullptr, WriteWhenInterrupted, nullptr);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    Alarm(SA_RESTART);
    char c = 0;
    SayWait("read", read(fds[0], &c, 1));
    pthread_join(thread, nullptr);
    const pid_t child = fork();
    if (child == 0) {
      usleep(20000);
      _exit(8);
    }
    Alarm(SA_RESTART);
    int status = 0;
    const pid_t ended = waitpid(child, &status, 0);
    Say("wait: %d %d", ended == child, WEXITSTATUS(status));
  }
}

/// Waiting calls that install another mask meanwhile: the handler runs under that mask and makes
/// calls.
void TemporaryMasks() {
  if (pipe(fds) != 0) return;
  sigset_t nearly_all, now, alarm_only;
  sigfillset(&nearly_all);
  sigdelset(&nearly_all, SIGALRM);
  // Blocked until the wait lets it in: on a busy machine it may come before the wait begins.
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  sigprocmask(SIG_BLOCK, &alarm_only, nullptr);
  pollfd poller = {fds[0], POLLIN, 0};
  const int epoll = epoll_create1(0);
  epoll_event event = {};
  for (int round = 0; round < 3; ++round) {
    Alarm(0);
    SayWait("ppoll", ppoll(&poller, 1, nullptr, &nearly_all));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    Alarm(0);
    SayWait("pselect", pselect(fds[0] + 1, &set, nullptr, nullptr, nullptr, &nearly_all));
    Alarm(0);
    SayWait("epoll_pwait", epoll_pwait(epoll, &event, 1, -1, &nearly_all));
    Alarm(0);
    const timespec forever = {1000, 0};
    SayWait("epoll_pwait2", syscall(SYS_epoll_pwait2, epoll, &event, 1, &forever, &nearly_all, 8L));
    Alarm(0);
    SayWait("sigsuspend", sigsuspend(&nearly_all));
    sigprocmask(SIG_SETMASK, nullptr, &now);
    Say("mask restored: %d", !sigismember(&now, SIGUSR1));
  }
  void* bad = reinterpret_cast<void*>(8);
  SayResult("sigsuspend bad", syscall(SYS_rt_sigsuspend, bad, 8L));
  SayResult("sigsuspend size", syscall(SYS_rt_sigsuspend, &nearly_all, 4L));
  SayResult("ppoll bad", syscall(SYS_ppoll, &poller, 1, nullptr, bad, 8L));
  SayResult("pselect bad", syscall(SYS_pselect6, 0, nullptr, nullptr, nullptr, nullptr, bad));
  SayResult("epoll_pwait bad", syscall(SYS_epoll_pwait, epoll, &event, 1, 0, bad, 8L));
  sigprocmask(SIG_UNBLOCK, &alarm_only, nullptr);
}

/// The mask of a waiting call lets a pending signal in at once.
void PendingSignals() {
  sigset_t usr1, none;
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  struct sigaction action = {};
  action.sa_handler = CallingHandler;
  sigaction(SIGUSR1, &action, nullptr);
  for (int round = 0; round < 50; ++round) {
    sigprocmask(SIG_BLOCK, &usr1, nullptr);
    raise(SIGUSR1);
    const int before = hits;
    SayResult("sigsuspend", sigsuspend(&none));
    Say("during %d", hits - before);
    raise(SIGUSR1);
    sigset_t pending;
    sigpending(&pending);
    Say("pending: %d", sigismember(&pending, SIGUSR1));
    SayResult("unblock", sigprocmask(SIG_UNBLOCK, &usr1, nullptr));
    Say("then %d", hits - before);
  }
}

}  // namespace

const TortureCase kWaitCases[] = {{"interrupted", Interrupted},
                                  {"restarted", Restarted},
                                  {"temporary-masks", TemporaryMasks},
                                  {"pending-signals", PendingSignals},
                                  {nullptr, nullptr}};

}  // namespace oldornew::testing
