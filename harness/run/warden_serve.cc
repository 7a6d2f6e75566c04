#include "run/warden_serve.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "base/text.h"
#include "interpose/ptrace/tracer.h"
#include "run/memory.h"
#include "run/packet.h"
#include "run/process_list.h"
#include "run/start_command.h"
#include "run/warden_wire.h"

namespace oldornew {
namespace {

/// How often the number of processes is checked. A fork bomb in a shell makes about ten processes
/// in a millisecond on two processors; one check costs 30 us.
constexpr int kCheckProcessesEveryMs = 20;
/// Processes that are reaped before the limits are checked again.
constexpr int kReapAtOnce = 512;
/// How long SIGKILL may take.
constexpr uint64_t kKillPatienceMs = 10'000;

uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void CopyText(const std::string& text, char* to, size_t size) {
  const size_t length = std::min(text.size(), size - 1);
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

/// Serves one socket until it closes.
class Server {
 public:
  Server(int socket, bool is_init, const ViewOutcome& view)
      : socket_(socket), is_init_(is_init), last_pid_(view.last_pid.get()), memory_(view.memory) {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    signals_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  void Serve() {
    for (;;) {
      StartSpec spec;
      WardenRequestHead head;
      received_.clear();
      if (!ReceiveRequest(spec, head)) return;
      WardenReply reply;
      RunOne(spec, head, reply);
      received_.clear();
      if (chdir("/") != 0) return;
      if (send(socket_, &reply, sizeof reply, MSG_NOSIGNAL) < 0) return;
    }
  }

 private:
  /// False: our owner is gone, or sent nonsense.
  bool ReceiveRequest(StartSpec& spec, WardenRequestHead& head);
  bool ParseRequest(const std::string& bytes, StartSpec& spec, WardenRequestHead& head);
  bool AnswerLimit(const WardenLimit& request);
  void RunOne(StartSpec& spec, const WardenRequestHead& head, WardenReply& reply);
  /// Waits for SIGCHLD, the tracer or the owner. False: the owner is gone.
  bool WaitForNews(uint64_t until_ns, int at_most_ms);
  /// Reaps what has ended. False: no process is left.
  bool Reap(WardenReply& reply);
  /// Ends the run: freezes all processes, names them in `reply`, kills them.
  void EndByForce(WardenReply& reply);
  void NameStragglers(WardenReply& reply);
  void KillAll(WardenReply& reply);
  /// Makes tracer_ if the request wants one. False: `reply` says why that is not possible.
  bool StartTracing(StartSpec& spec, bool stands_by, WardenReply& reply);
  /// Switches ticking_ and its timer.
  void Tick(bool on);
  bool TooMany(uint32_t limit);
  /// Makes the next process of the pid namespace get the number after `last_pid`.
  void SetLastPid(uint64_t last_pid);
  /// Waits until the run is over or must be ended, and ends it.
  void Supervise(const WardenRequestHead& head, uint64_t begin, WardenReply& reply);

  int socket_;
  bool is_init_;
  int last_pid_;  // ViewOutcome::last_pid, or -1
  const std::vector<UniqueFd>& memory_;
  int signals_ = -1;
  bool told_to_end_ = false;
  std::string traced_recording_;  // of the current request
  std::unique_ptr<ptrace::Tracer> tracer_;
  // A timer interrupts us, so that we may sleep in waitpid. That is the fastest way to go from stop
  // to stop of a traced program.
  bool ticking_ = false;
  std::vector<UniqueFd> received_;  // with the current request
};

bool Server::ReceiveRequest(StartSpec& spec, WardenRequestHead& head) {
  for (;;) {
    received_.clear();
    WardenLimit packet;
    const ssize_t got = ReceivePacket(socket_, &packet, sizeof packet, &received_);
    if (got <= 0) return false;
    if (got == 1 && packet.byte != kEndRun) break;

    // What is left is a limit, or an EndRun that came just after its run had ended.
    if (got == sizeof packet && !AnswerLimit(packet)) return false;
  }

  if (received_.empty()) return false;
  auto bytes = ReadFile(fmt::format("/proc/self/fd/{}", received_[0].get()));
  return bytes && ParseRequest(*bytes, spec, head);
}

bool Server::AnswerLimit(const WardenLimit& request) {
  SpaceLimit limit;
  if (request.limits_bytes) limit.free_bytes = request.free_bytes;
  if (request.limits_inodes) limit.free_inodes = request.free_inodes;

  WardenAnswer answer;
  const Status done = request.which < memory_.size()
                          ? LimitMemoryMount(memory_[request.which].get(), limit)
                          : Fail("the sandbox is not in memory");
  if (!done) CopyText(done.error().message, answer.problem, sizeof answer.problem);
  return SendPacket(socket_, &answer, sizeof answer);
}

bool Server::ParseRequest(const std::string& bytes, StartSpec& spec, WardenRequestHead& head) {
  if (bytes.size() < sizeof head) return false;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.descriptor_count + 1 != received_.size()) return false;

  // The first descriptor is the memory file that these bytes come from.
  size_t at = sizeof head;
  for (uint32_t i = 0; i < head.descriptor_count; ++i, at += sizeof(int32_t)) {
    int32_t target;
    std::memcpy(&target, bytes.data() + at, sizeof target);
    spec.descriptors.emplace_back(received_[i + 1].get(), target);
  }

  const auto next = [&] {
    std::string text(bytes.c_str() + at);
    at += text.size() + 1;
    return text;
  };

  spec.directory = next();
  traced_recording_ = next();
  for (uint32_t i = 0; i < head.word_count; ++i) spec.command.push_back(next());
  for (uint32_t i = 0; i < head.environment_count; ++i) spec.environment.push_back(next());
  return !spec.command.empty();
}

bool Server::WaitForNews(uint64_t until_ns, int at_most_ms) {
  const uint64_t now = NowNs();
  const uint64_t left_ms = until_ns > now ? (until_ns - now) / 1'000'000 + 1 : 0;
  pollfd polled[3] = {{signals_, POLLIN, 0},
                      {socket_, POLLIN, 0},
                      {tracer_ != nullptr ? tracer_->door() : -1, POLLIN, 0}};
  const int count = poll(
      polled, 3, static_cast<int>(std::min<uint64_t>(left_ms, static_cast<uint64_t>(at_most_ms))));
  if (count <= 0) return true;
  if (polled[2].revents != 0) tracer_->AnswerDoor();

  // SIGCHLD only wakes us up: Reap finds out which processes ended.
  signalfd_siginfo drained[8];
  while (read(signals_, drained, sizeof drained) > 0) {
  }

  // The only thing that an owner sends during a run is EndRun.
  if (polled[1].revents == 0) return true;
  char byte;
  if (recv(socket_, &byte, 1, MSG_DONTWAIT) != 1) return false;
  told_to_end_ = true;
  return true;
}

bool Server::Reap(WardenReply& reply) {
  int status;
  pid_t pid = 0;
  // Bounded, because a fork bomb dies as fast as it grows, and the limits must still be checked.
  for (int count = 0; count < kReapAtOnce; ++count) {
    const bool sleep = ticking_ && !tracer_->Waits();
    pid = waitpid(-1, &status, __WALL | (sleep ? 0 : WNOHANG));
    if (pid == 0 || (pid < 0 && errno == EINTR)) return true;
    if (pid < 0) return false;

    if (tracer_ != nullptr && tracer_->Handle(pid, status)) continue;
    if (pid != reply.main_pid) continue;
    reply.main_ended = 1;
    reply.wait_status = status;
  }
  return true;
}

void Server::NameStragglers(WardenReply& reply) {
  for (const ProcessInfo& info : DescendantsOf(getpid())) {
    if (reply.straggler_count == WardenReply::kStragglers) break;
    WardenStraggler& straggler = reply.stragglers[reply.straggler_count++];
    straggler.pid = info.pid;
    CopyText(CommandLine(info.pid), straggler.command, sizeof straggler.command);
  }
}

void Server::KillAll(WardenReply& reply) {
  const uint64_t give_up = NowNs() + kKillPatienceMs * 1'000'000;
  while (Reap(reply)) {
    if (NowNs() > give_up) {
      reply.unkillable = 1;
      return;
    }

    // Without a pid namespace, the process group covers children that /proc has not shown yet.
    if (!is_init_ && !reply.main_ended) kill(-reply.main_pid, SIGKILL);
    KillDescendants(is_init_);
    WaitForNews(NowNs() + 50'000'000, 50);
  }
}

void Server::RunOne(StartSpec& spec, const WardenRequestHead& head, WardenReply& reply) {
  SetLastPid(head.last_pid);
  const uint64_t begin = NowNs();
  told_to_end_ = false;
  if (!StartTracing(spec, head.tracer_stands_by != 0, reply)) return;

  // Our copies of the command's descriptors must go, or readers of its pipes would never see the
  // end.
  const StartOutcome outcome = StartCommand(spec);
  received_.clear();
  if (outcome.pid < 0) {
    reply.not_found = outcome.not_found;
    CopyText(outcome.problem, reply.problem, sizeof reply.problem);
    return;
  }

  reply.started = 1;
  reply.main_pid = outcome.pid;

  if (spec.tracer != nullptr) Tick(true);
  Supervise(head, begin, reply);
  if (ticking_) Tick(false);
  tracer_.reset();
  reply.duration_ns = NowNs() - begin;
}

void Server::SetLastPid(uint64_t last_pid) {
  if (last_pid_ < 0) return;
  const std::string text = std::to_string(last_pid);
  const bool done =
      pwrite(last_pid_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!done) last_pid_ = -1;
}

void Server::Supervise(const WardenRequestHead& head, uint64_t begin, WardenReply& reply) {
  const uint64_t deadline = begin + head.time_limit_ms * 1'000'000;
  uint64_t next_check = begin + kCheckProcessesEveryMs * 1'000'000;
  while (Reap(reply)) {
    // While ticking, Reap itself sleeps. A tracer that waits for something has to be asked often.
    const bool hurry = tracer_ != nullptr && tracer_->Waits();
    const int patience = hurry ? 1 : ticking_ ? 0 : kCheckProcessesEveryMs;
    if (!WaitForNews(deadline, patience)) _exit(0);  // nobody is left to report to
    if (hurry) tracer_->Poll();

    const uint64_t now = NowNs();
    if (now >= deadline) {
      reply.timed_out = 1;
    } else if (now >= next_check) {
      next_check = now + kCheckProcessesEveryMs * 1'000'000;
      reply.too_many = TooMany(head.process_limit);
    }
    reply.told_to_end = told_to_end_;
    if (!reply.timed_out && !reply.too_many && !reply.told_to_end) continue;

    EndByForce(reply);
    return;
  }
}

bool Server::StartTracing(StartSpec& spec, bool stands_by, WardenReply& reply) {
  tracer_.reset();
  if (traced_recording_.empty()) return true;

  ptrace::TracerOptions options;
  options.recording = traced_recording_;
  if (stands_by) options.standby = spec.environment;
  auto tracer = ptrace::Tracer::Create(options);

  // Without a tracer that stands by, a program that needs it says so in the recording.
  if (!tracer && stands_by) return true;
  if (!tracer) {
    CopyText("cannot be traced: " + tracer.error().message, reply.problem, sizeof reply.problem);
    return false;
  }

  tracer_ = std::move(*tracer);
  if (!stands_by) spec.tracer = tracer_.get();
  return true;
}

void Server::Tick(bool on) {
  ticking_ = on;
  struct sigaction action = {};
  action.sa_handler = on ? [](int) {} : SIG_DFL;
  const suseconds_t period = on ? kCheckProcessesEveryMs * 1000 : 0;
  const itimerval timer = {{0, period}, {0, period}};

  // SIGALRM has to have a handler whenever the timer runs.
  if (on) sigaction(SIGALRM, &action, nullptr);
  setitimer(ITIMER_REAL, &timer, nullptr);
  if (!on) sigaction(SIGALRM, &action, nullptr);
}

bool Server::TooMany(uint32_t limit) {
  const uint32_t count = CountProcesses();
  if (count <= limit) return false;
  return is_init_ || DescendantsOf(getpid()).size() > limit;
}

void Server::EndByForce(WardenReply& reply) {
  // Freeze everything first, so that nothing changes while we read the names.
  if (is_init_) {
    FreezeNamespace();
  } else {
    if (!reply.main_ended) kill(-reply.main_pid, SIGSTOP);
    FreezeDescendants();
  }

  NameStragglers(reply);

  // Nothing is left after all: the last process ended just before the time limit.
  const int32_t main_ended = reply.main_ended;
  if (reply.straggler_count == 0 && main_ended) reply.timed_out = 0;

  // KillAll reaps the main process, which must not count as ended by itself.
  KillAll(reply);
  reply.main_ended = main_ended;
}

void CloseAllBut(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned next = 3;
  for (int fd : keep) {
    if (fd < 3) continue;
    if (static_cast<unsigned>(fd) > next) close_range(next, static_cast<unsigned>(fd) - 1, 0);
    next = static_cast<unsigned>(fd) + 1;
  }
  close_range(next, ~0u, 0);
}

void DetachFromTerminal() {
  setsid();
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3 && null >= 0; ++fd) dup2(null, fd);
  if (null > 2) close(null);

  for (int signal_number = 1; signal_number < NSIG; ++signal_number) signal(signal_number, SIG_DFL);
  sigset_t empty;
  sigemptyset(&empty);
  sigprocmask(SIG_SETMASK, &empty, nullptr);
}

/// Hands the mounts in memory to the owner and waits until they are filled.
Status HaveFilled(int socket, const std::vector<UniqueFd>& mounts) {
  WardenHello hello;
  hello.fill = 1;
  std::vector<int> descriptors;
  for (const UniqueFd& mount : mounts) descriptors.push_back(mount.get());

  char go;
  std::vector<UniqueFd> none;
  if (!SendPacket(socket, &hello, sizeof hello, descriptors) ||
      ReceivePacket(socket, &go, 1, &none) != 1)
    return Fail("the owner of the sandbox is gone");
  return {};
}

[[noreturn]] void RunWarden(const ViewPlan& plan, int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  ViewOutcome view;
  WardenHello hello;
  hello.ready = 1;

  if (plan.isolation != Isolation::kNone) {
    Result<ViewOutcome> built = Fail("no mount namespace");
    if (unshare(CLONE_NEWNS) == 0) {
      built = BuildView(plan, [socket](const std::vector<UniqueFd>& mounts) {
        return HaveFilled(socket, mounts);
      });
    } else {
      built = Fail("no mount namespace: {}", ErrnoText(errno));
    }
    hello.ready = built.has_value();
    hello.home_overlay = built && built->home_overlay;
    CopyText(built ? built->home_problem : built.error().message, hello.problem,
             sizeof hello.problem);
    if (built) view = std::move(*built);
  }

  // Without a pid namespace, orphans of a command come to us only as to a subreaper.
  if (plan.isolation != Isolation::kFull) prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (send(socket, &hello, sizeof hello, MSG_NOSIGNAL) < 0 || !hello.ready || chdir("/") != 0)
    _exit(1);

  Server(socket, plan.isolation == Isolation::kFull, view).Serve();
  _exit(0);
}

/// Kills and reaps all descendants of the keeper.
void EndOrphans() {
  const uint64_t give_up = NowNs() + kKillPatienceMs * 1'000'000;
  while (NowNs() < give_up) {
    pid_t pid;
    while ((pid = waitpid(-1, nullptr, WNOHANG | __WALL)) > 0) {
    }
    if (pid < 0) return;
    KillDescendants(false);
    poll(nullptr, 0, 2);
  }
}

void SayNotReady(int socket, const std::string& problem) {
  WardenHello hello;
  CopyText(problem, hello.problem, sizeof hello.problem);
  send(socket, &hello, sizeof hello, MSG_NOSIGNAL);
}

}  // namespace

void RunKeeper(const ViewPlan& plan, int socket, int lifeline) {
  DetachFromTerminal();
  CloseAllBut({socket, lifeline});

  // Without a pid namespace, what the warden leaves behind becomes ours.
  if (plan.isolation != Isolation::kFull) prctl(PR_SET_CHILD_SUBREAPER, 1);

  pid_t warden = -1;
  Status rights = plan.isolation == Isolation::kNone ? Status{} : GainMountRights();
  if (rights && plan.isolation == Isolation::kFull && unshare(CLONE_NEWPID) != 0) {
    rights = Fail("no pid namespace: {}", ErrnoText(errno));
  }

  if (!rights) {
    SayNotReady(socket, rights.error().message);
  } else if ((warden = fork()) == 0) {
    close(lifeline);
    RunWarden(plan, socket);
  } else if (warden < 0) {
    SayNotReady(socket, fmt::format("cannot make a process: {}", ErrnoText(errno)));
  }

  close(socket);

  // Nobody may end us before our work is done. We have no terminal any more, but `kill` still
  // reaches us.
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) signal(number, SIG_IGN);

  // The lifeline closes when our owner ends. The byte 'k' before that means: keep the work area.
  bool remove = true;
  char byte;
  for (;;) {
    const ssize_t got = read(lifeline, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    remove = byte != 'k';
  }

  if (warden > 0) {
    kill(warden, SIGKILL);
    while (waitpid(warden, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (plan.isolation != Isolation::kFull) EndOrphans();
  }

  if (remove && !plan.work_area.empty()) (void)RemoveTree(plan.work_area);
  _exit(0);
}

}  // namespace oldornew
