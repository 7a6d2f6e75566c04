// Runner: one supervised run of a command in a sandbox. Whatever the command does (becomes a
// daemon, ignores signals, forks without end), none of its processes is left when Run returns
// (oracles.md 9, interposition.md 13.10).
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
  /// Program and arguments. The program is found in $PATH as a shell does, in the sandbox.
  std::vector<std::string> command;
  /// "NAME=value" replaces an entry of the caller's environment or adds one; "NAME" removes one.
  std::vector<std::string> environment;
  std::string directory;   ///< as the command sees it; empty: Sandbox::working_directory()
  std::string stdin_path;  ///< as this process sees it; empty: /dev/null
  std::chrono::milliseconds time_limit{120'000};
  /// An ECMAScript pattern. A line of stdout in which it is found ends the run: what is still alive
  /// is killed.
  std::string until;
  /// Bytes kept of each of stdout and stderr; the rest is read and dropped.
  uint64_t output_limit = uint64_t{8} << 20;
  Backend backend = Backend::kAuto;  ///< of Record; Run records nothing by itself
  Plan plan;                         ///< the faults to inject; only Record and RecordIn use it
  /// The recording that a tracer writes, at its path as the command sees it; empty: the command is
  /// not traced.
  std::string traced_recording;
  bool tracer_stands_by = false;  ///< trace only what the preload library hands over
  uint32_t process_limit = 4096;  ///< more processes alive at once end the run (a fork bomb)
  /// With a pid namespace: the process id before that of the first process. The default makes ids
  /// and therefore temporary names repeat from run to run. To model runs that follow each other on
  /// one machine, choose numbers so that no process gets the id of an earlier one.
  uint32_t last_pid = 1;
  /// Descriptors to hand over: (ours, number in the command). Numbers 0 to 2 are not for this.
  std::vector<std::pair<int, int>> descriptors;
  /// The program gets a pipe with this descriptor number, as an acknowledgement channel (oracles.md
  /// 2); -1: none. Only Record and RecordIn use it. REQUIRES: above 2, or -1.
  int ack_fd = -1;
  /// Called just before the start with the command's ends of the stdout and stderr pipes, so that
  /// the recorder can recognise them.
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
  bool timed_out = false;  ///< processes were still alive at the time limit
  bool main_ended = true;  ///< false: the main process itself had to be killed
  /// RunSpec::until ended the run; exit_status is 0 if the main process was still alive
  bool until_came = false;
  bool too_many_processes = false;  ///< process_limit was exceeded, everything was killed
  /// What was alive when the run was ended by force, at most 16.
  std::vector<Straggler> stragglers;
  int32_t main_pid = 0;  ///< as the command's side sees it
  std::string stdout_bytes;
  std::string stderr_bytes;
  bool output_cut = false;  ///< more than output_limit was written to one of them
  uint64_t duration_ns = 0;
};

/// Runs and waits. Errors:
///   kUsage        the command cannot be started; the reason is the one that a shell would give
///                 ("foo: command not found", "is a directory", "cannot execute binary file")
///   kInterrupted  CatchInterrupts has caught a signal
///   kCannotJudge  a process could not be killed
///   kInternal     the sandbox itself is broken
Result<RunResult> Run(const Sandbox& sandbox, const RunSpec& spec);

/// One sentence for each reason why this run cannot be judged: the time limit, or too many
/// processes. They name the processes that were left. Empty: it can.
std::vector<std::string> WhyNotOver(const RunSpec& spec, const RunResult& result);

/// From now on SIGINT, SIGTERM and SIGHUP end the run in progress with an Error of kInterrupted, so
/// that everything is killed and removed on the way out. A second signal kills this process, as one
/// does without this call. Then the sandbox's keeper cleans up.
void CatchInterrupts();

/// While one exists, these signals end this process at once with exit code 130, and the keeper
/// cleans up. For long work without a run.
class InterruptsKill {
 public:
  InterruptsKill();
  ~InterruptsKill();
  InterruptsKill(const InterruptsKill&) = delete;
  InterruptsKill& operator=(const InterruptsKill&) = delete;

 private:
  bool caught_;  ///< CatchInterrupts had been called
};

/// True once a caught signal has arrived. Long loops between runs check it.
bool Interrupted();

}  // namespace oldornew
