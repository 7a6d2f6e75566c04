// The second backend: programs are recorded from outside, by ptrace. Complete for whatever the
// preload library cannot enter (static programs, Go, machines without Syscall User Dispatch), at
// some 10 us per recorded call.
//
// A Tracer is a part of the process that starts the program and waits for it: that process keeps
// waiting for all its children and hands every wait status to Handle. So the program has the parent
// it would have without us.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace oldornew::ptrace {

struct TracerOptions {
  std::string recording;  ///< made by CreateRecordingFile, by its path as the program sees it
  /// Keep this process and all it starts on one processor (a stop costs a tenth then). The program
  /// is told otherwise.
  bool pin = true;
  /// Standing by: programs run under the preload library, which hands over what it cannot enter,
  /// and whatever that executes and the library can enter goes back to it. Not empty: the
  /// environment in which the library was started.
  std::vector<std::string> standby;
};

class Engine;

/// REQUIRES: one at a time in a process, used by one thread only.
class Tracer {
 public:
  static Result<std::unique_ptr<Tracer>> Create(const TracerOptions& options);
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// In the parent, after fork: attaches to `child`, which waits in WaitToBeTraced. What the child
  /// does until its first successful exec is not recorded.
  Status Attach(pid_t child);
  /// True until `child` has executed its first image (or has ended).
  bool Launching(pid_t child) const;
  /// In the child, before anything else: returns when the parent has attached, false if it has
  /// failed. Installs the filter by which the kernel tells the tracer what it wants to know.
  bool WaitToBeTraced();

  /// One status of waitpid(-1, ..., __WALL). True: it was a matter between the program and us, and
  /// nobody else need look at it. False: a process has ended (`status` is its end), or is none of
  /// ours.
  bool Handle(pid_t pid, int status);
  /// Standing by: readable when somebody asks to be taken over, which AnswerDoor does. Else -1.
  int door() const;
  void AnswerDoor();
  /// Something waits for nothing but time (a lock that a process under the preload library holds):
  /// call Poll soon.
  bool Waits() const;
  void Poll();

 private:
  Tracer();
  std::unique_ptr<Engine> engine_;
  int gate_[2] = {-1, -1};  // the child reads, and starts when a byte comes
};

}  // namespace oldornew::ptrace
