// Warden: the process that lives in a sandbox's view and starts commands there, one at a time. It
// reaps every descendant of a command (as init of a pid namespace, else as child subreaper) and
// kills what is left at the time limit. So "the run is over" means that none of its processes
// exists any more.
//
// There are two processes, in a session without a terminal:
//
//   keeper   Our child, which outlives us. When the lifeline closes, because we ended in whatever
//            way, it kills the warden and removes the work area.
//   warden   The keeper's child, and pid 1 of the view's pid namespace. It serves requests from a
//            SOCK_SEQPACKET socket and dies with the keeper.
//
// With Isolation::kMountOnly and kNone the warden is a subreaper instead of pid 1.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "run/view.h"
#include "run/warden_wire.h"

namespace oldornew {

struct WardenRequest {
  std::vector<std::string> command;
  std::vector<std::string> environment;  ///< complete
  std::string directory;
  std::string traced_recording;  ///< empty: not traced
  bool tracer_stands_by = false;
  uint64_t time_limit_ms = 0;
  uint32_t process_limit = 0;
  uint32_t last_pid = 1;                         ///< RunSpec::last_pid
  std::vector<std::pair<int, int>> descriptors;  ///< (ours, number there), 0 to 2 included
};

class Warden {
 public:
  /// Fills the mounts in memory (their root directories, in the order of MemoryMount) before the
  /// view is built from them.
  using Filler = std::function<Status(const std::vector<UniqueFd>& mounts)>;

  /// Errors: the view could not be set up (the reason, for a note), or `fill` failed. Never leaves
  /// processes behind. `fill` is called once, for a plan in memory only.
  static Result<std::unique_ptr<Warden>> Start(const ViewPlan& plan, const Filler& fill = nullptr);
  ~Warden();
  Warden(const Warden&) = delete;
  Warden& operator=(const Warden&) = delete;

  const ViewOutcome& view() const { return view_; }
  /// Sends a request; the reply arrives at socket(). REQUIRES: no run in progress.
  Status Send(const WardenRequest& request);
  int socket() const { return socket_.get(); }
  /// Ends the run in progress: what is alive is killed, then the reply comes as always.
  void EndRun();
  /// Reads the reply that poll(2) on socket() announced. Error: the warden is gone.
  Result<WardenReply> Receive();
  /// Limits the space of one of the mounts in memory. REQUIRES: no run in progress, a plan in
  /// memory.
  Status LimitMemory(MemoryMount which, const SpaceLimit& limit);
  /// Kills the view and everything in it now; Send fails from then on.
  void Kill();
  /// Kills the view; with `remove_work_area` the keeper removes it, before this returns.
  void Stop(bool remove_work_area);

 private:
  Warden() = default;
  /// Waits until the view stands.
  Status AwaitView(const Filler& fill);
  UniqueFd socket_;
  UniqueFd lifeline_;
  pid_t keeper_ = -1;
  ViewOutcome view_;
};

}  // namespace oldornew
