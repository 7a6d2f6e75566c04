#include "run/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <regex>
#include <string_view>

#include "base/check.h"
#include "base/files.h"
#include "base/text.h"
#include "run/environment.h"
#include "run/warden.h"

namespace oldornew {
namespace {

/// How long after the time limit the warden may take to kill and report before it counts as dead.
constexpr int kGraceMs = 30'000;

std::atomic<bool> interrupted = false;
// Becomes readable with the first caught signal. Lives as long as the process.
int interrupt_event = -1;

void OnInterrupt(int signal_number) {
  const int saved = errno;

  // The second signal kills this process.
  if (interrupted.exchange(true)) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
  }

  // A write fails only when the event is readable already.
  const uint64_t one = 1;
  if (write(interrupt_event, &one, sizeof one) < 0) errno = 0;
  errno = saved;
}

/// The reading end of a pipe whose writing end goes to the command.
class Collector {
 public:
  Status Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return Fail("cannot make a pipe: {}", ErrnoText(errno));
    read_.Reset(ends[0]);
    write_.Reset(ends[1]);
    if (fcntl(read_.get(), F_SETFL, O_NONBLOCK) != 0)
      return Fail("cannot set up a pipe: {}", ErrnoText(errno));
    return {};
  }
  int writer() const { return write_.get(); }
  int reader() const { return read_.get(); }
  void CloseWriter() { write_.Reset(); }

  /// Reads what is there now, but at most `rounds` buffers, so that an endless writer cannot keep
  /// us here. Keeps the first `limit` bytes.
  void Drain(uint64_t limit, int rounds) {
    char buffer[65536];
    while (read_.valid() && rounds-- > 0) {
      const ssize_t got = read(read_.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return;  // EAGAIN
      if (got == 0) {
        read_.Reset();
        return;
      }

      const uint64_t room = limit - bytes_.size();
      const uint64_t kept = std::min<uint64_t>(static_cast<uint64_t>(got), room);
      bytes_.append(buffer, kept);
      cut_ = cut_ || kept < static_cast<uint64_t>(got);
    }
  }

  /// True when `pattern` is found in a line that has arrived completely. Looks at each line once.
  bool HasLine(const std::regex& pattern) {
    for (size_t end; (end = bytes_.find('\n', looked_at_)) != std::string::npos;
         looked_at_ = end + 1) {
      if (std::regex_search(bytes_.substr(looked_at_, end - looked_at_), pattern)) return true;
    }
    return false;
  }
  std::string Take() { return std::move(bytes_); }
  bool cut() const { return cut_; }

 private:
  UniqueFd read_;
  UniqueFd write_;
  std::string bytes_;
  size_t looked_at_ = 0;  // lines before this have been looked at
  bool cut_ = false;
};

Result<UniqueFd> OpenStdin(const std::string& path) {
  const char* file = path.empty() ? "/dev/null" : path.c_str();
  UniqueFd fd(open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return FailWith(ExitCode::kUsage, "cannot read {}: {}", file, ErrnoText(errno));
  return fd;
}

tl::unexpected<Error> InterruptedError() { return FailWith(ExitCode::kInterrupted, "interrupted"); }

/// Drains both pipes until the warden reports.
Result<WardenReply> Await(Warden& warden, const RunSpec& spec, Collector& out, Collector& err) {
  const std::regex until(spec.until);
  bool waits = !spec.until.empty();
  const auto give_up =
      std::chrono::steady_clock::now() + spec.time_limit + std::chrono::milliseconds(kGraceMs);
  for (;;) {
    pollfd polled[4] = {{warden.socket(), POLLIN, 0},
                        {out.reader(), POLLIN, 0},
                        {err.reader(), POLLIN, 0},
                        {interrupt_event, POLLIN, 0}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          give_up - std::chrono::steady_clock::now())
                          .count();
    const int ready = poll(polled, 4, static_cast<int>(std::max<long long>(left, 0)));

    if (Interrupted()) {
      warden.Kill();
      return InterruptedError();
    }
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      warden.Kill();
      return Fail("the process that starts commands in the sandbox does not answer");
    }

    if (polled[1].revents != 0) out.Drain(spec.output_limit, 16);
    if (waits && out.HasLine(until)) {
      warden.EndRun();
      waits = false;
    }
    if (polled[2].revents != 0) err.Drain(spec.output_limit, 16);
    if (polled[0].revents == 0) continue;

    // All processes are gone. What they wrote last is in the pipes, at most a pipe buffer in each.
    auto reply = warden.Receive();
    out.Drain(spec.output_limit, 64);
    err.Drain(spec.output_limit, 64);
    return reply;
  }
}

RunResult FromReply(const WardenReply& reply) {
  RunResult result;
  const int status = reply.wait_status;
  if (!reply.main_ended) {
    result.signal = SIGKILL;
    result.exit_status = 128 + SIGKILL;
  } else if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
    result.exit_status = 128 + result.signal;
  } else {
    result.exit_status = WEXITSTATUS(status);
  }

  // A program that had to be ended, because that was asked for, succeeded.
  result.until_came = reply.told_to_end != 0;
  if (result.until_came && !reply.main_ended) result.signal = result.exit_status = 0;

  result.main_ended = reply.main_ended != 0;
  result.timed_out = reply.timed_out != 0;
  result.too_many_processes = reply.too_many != 0;
  result.main_pid = reply.main_pid;
  result.duration_ns = reply.duration_ns;
  for (int i = 0; i < reply.straggler_count; ++i) {
    result.stragglers.push_back({reply.stragglers[i].pid, reply.stragglers[i].command});
  }

  return result;
}

}  // namespace

Result<RunResult> Run(const Sandbox& sandbox, const RunSpec& spec) {
  if (Interrupted()) return InterruptedError();
  if (spec.command.empty() || spec.command[0].empty()) {
    return FailWith(ExitCode::kUsage, "no command was given");
  }

  ASSIGN_OR_RETURN(UniqueFd in, OpenStdin(spec.stdin_path));
  Collector out;
  Collector err;
  RETURN_IF_ERROR(out.Open());
  RETURN_IF_ERROR(err.Open());
  if (spec.before_start) RETURN_IF_ERROR(spec.before_start(out.writer(), err.writer()));

  WardenRequest request;
  request.command = spec.command;
  request.directory = spec.directory.empty() ? sandbox.working_directory() : spec.directory;
  request.environment = CallersEnvironment();
  for (const auto* edits : {&sandbox.environment(), &spec.environment}) {
    for (const std::string& edit : *edits) EditEnvironment(request.environment, edit);
  }

  EditEnvironment(request.environment, "PWD=" + request.directory);

  request.time_limit_ms = static_cast<uint64_t>(spec.time_limit.count());
  request.process_limit = spec.process_limit;
  request.last_pid = spec.last_pid;
  request.traced_recording = spec.traced_recording;
  request.tracer_stands_by = spec.tracer_stands_by;
  request.descriptors = {{in.get(), 0}, {out.writer(), 1}, {err.writer(), 2}};
  request.descriptors.insert(request.descriptors.end(), spec.descriptors.begin(),
                             spec.descriptors.end());

  // Our copies of the command's ends must go, or we would never see the end of the pipes.
  RETURN_IF_ERROR(sandbox.warden().Send(request));
  in.Reset();
  out.CloseWriter();
  err.CloseWriter();

  ASSIGN_OR_RETURN(const WardenReply reply, Await(sandbox.warden(), spec, out, err));
  if (!reply.started) return FailWith(ExitCode::kUsage, "{}", reply.problem);
  if (reply.unkillable) {
    sandbox.warden().Kill();
    return FailWith(ExitCode::kCannotJudge, "a process of {} could not be killed",
                    ShellQuote(spec.command));
  }

  RunResult result = FromReply(reply);
  result.output_cut = out.cut() || err.cut();
  result.stdout_bytes = out.Take();
  result.stderr_bytes = err.Take();
  return result;
}

std::vector<std::string> WhyNotOver(const RunSpec& spec, const RunResult& result) {
  if (!result.timed_out && !result.too_many_processes) return {};
  std::vector<std::string> names;
  for (const Straggler& straggler : result.stragglers) {
    names.push_back(fmt::format("pid {} ({})", straggler.pid, straggler.command));
  }

  const std::string who = names.empty() ? "" : ": " + Join(names, ", ");

  if (result.too_many_processes) {
    return {fmt::format("more than {} processes were alive at once and were killed{}",
                        spec.process_limit, who)};
  }

  const std::string limit =
      fmt::format("{} s", static_cast<double>(spec.time_limit.count()) / 1000);
  if (!result.main_ended)
    return {fmt::format("the program was still running after {} and was killed{}", limit, who)};
  return {fmt::format("the program ended but left processes running, which were killed after {}{}",
                      limit, who)};
}

namespace {

void EndNow(int) {
  constexpr std::string_view kSaid = "oldornew: interrupted\n";
  (void)!write(STDERR_FILENO, kSaid.data(), kSaid.size());
  _exit(static_cast<int>(ExitCode::kInterrupted));
}

void HandleInterruptsWith(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
}

}  // namespace

InterruptsKill::InterruptsKill() : caught_(interrupt_event >= 0) {
  if (!caught_) return;
  HandleInterruptsWith(EndNow);
  if (Interrupted()) EndNow(0);  // a signal came after the last check
}

InterruptsKill::~InterruptsKill() {
  if (caught_) HandleInterruptsWith(OnInterrupt);
}

void CatchInterrupts() {
  if (interrupt_event >= 0) return;
  interrupt_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(interrupt_event >= 0);
  HandleInterruptsWith(OnInterrupt);

  // A file that would be too large becomes an error (EFBIG) that we can report. Commands start with
  // the default.
  signal(SIGXFSZ, SIG_IGN);
}

bool Interrupted() { return interrupted; }

}  // namespace oldornew
