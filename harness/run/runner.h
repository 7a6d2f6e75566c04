// Runner: one supervised run of a command in a sandbox. Whatever the command does (daemonises,
// ignores signals, forks without end), when Run returns no process of it is left (oracles.md 9,
// interposition.md 13.10).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "interpose/backend.h"
#include "interpose/plan.h"
#include "run/sandbox.h"

namespace oldornew {

struct RunSpec {
  /// program and arguments; found in $PATH as a shell does, in the sandbox
  std::vector<std::string> command;
  /// "NAME=value" entries that replace or add to the caller's; "NAME" removes
  std::vector<std::string> environment;
  std::string directory;   ///< as the command sees it; empty: Sandbox::working_directory()
  std::string stdin_path;  ///< as this process sees it; empty: /dev/null
  std::chrono::milliseconds time_limit{120'000};
  /// a line of stdout in which this (ECMAScript) is found ends the run: what is alive is killed
  std::string until;
  /// Bytes kept of each of stdout and stderr; the rest is read and dropped.
  uint64_t output_limit = uint64_t{8} << 20;
  Backend backend = Backend::kAuto;  ///< of Record; Run records nothing by itself
  Plan plan;                         ///< what shall go wrong; only Record and RecordIn look at it
  /// The recording that a tracer shall write, by its path as the command sees it; empty: the
  /// command is not traced.
  std::string traced_recording;
  bool tracer_stands_by = false;  ///< traced is only what the preload library hands over
  uint32_t process_limit = 4096;  ///< processes alive at once: more ends the run (a fork bomb)
  /// Where there is a pid namespace: number of the process before the first one. The same numbers
  /// in each run make temporary names repeat; in runs that follow each other on one machine no
  /// process has the number of an earlier one.
  uint32_t last_pid = 1;
  /// Descriptors to hand over: (ours, number in the command). Numbers 0 to 2 are not for this.
  std::vector<std::pair<int, int>> descriptors;
  /// The program gets a pipe under this number, and what it writes there is an acknowledgement
  /// channel (oracles.md 2); -1: none. REQUIRES: above 2. Only Record and RecordIn look at it.
  int ack_fd = -1;
  /// Called just before the start with the command's ends of the stdout and stderr pipes (to know
  /// them again by identity).
  std::function<Status(int stdout_fd, int stderr_fd)> before_start;
};

/// A process that was still alive when the run was ended.
struct Straggler {
  int32_t pid = 0;      ///< as the command's side sees it
  std::string command;  ///< its command line, shortened
};

struct RunResult {
  int exit_status = 0;  ///< of the main process, as a shell shows it: 0..255, 128 + n for signal n
  int signal = 0;       ///< the signal that ended the main process, or 0
  bool timed_out = false;  ///< the time limit came before all processes were gone
  bool main_ended = true;  ///< false: the main process itself had to be killed
  /// RunSpec::until ended the run; exit_status is 0 if the main process was still alive
  bool until_came = false;
  bool too_many_processes = false;  ///< process_limit was exceeded, everything was killed
  /// what was alive when the run was ended by force, at most 16
  std::vector<Straggler> stragglers;
  int32_t main_pid = 0;  ///< as the command's side sees it
  std::string stdout_bytes;
  std::string stderr_bytes;
  bool output_cut = false;  ///< more than output_limit was written to one of them
  uint64_t duration_ns = 0;
};

/// Runs and waits. Errors: kUsage when the command cannot be started, with the reason a shell would
/// give ("foo: command not found", "permission denied", "is a directory", "cannot execute binary
/// file"); kInterrupted after a signal that CatchInterrupts has caught; kInternal when the sandbox
/// itself is broken.
Result<RunResult> Run(const Sandbox& sandbox, const RunSpec& spec);

/// One sentence per reason why this run cannot be judged (time limit, stragglers named, too many
/// processes); empty: none.
std::vector<std::string> WhyNotOver(const RunSpec& spec, const RunResult& result);

/// From now on SIGINT, SIGTERM and SIGHUP end the run in progress with an Error of kInterrupted, so
/// that everything is killed and removed on the way out; a second one kills this process (the
/// sandbox's keeper then cleans up). Without this call such a signal kills this process at once,
/// and the keeper cleans up as well.
void CatchInterrupts();
/// For its lifetime these signals end this process at once, with exit code 130 (the keeper cleans
/// up): for long work without a run.
class InterruptsKill {
 public:
  InterruptsKill();
  ~InterruptsKill();
  InterruptsKill(const InterruptsKill&) = delete;
  InterruptsKill& operator=(const InterruptsKill&) = delete;

 private:
  bool caught_;
};
/// True once a caught signal has arrived. Long loops between runs ask for it.
bool Interrupted();

}  // namespace oldornew
