// LogReplay: carries out the calls of a strace log on a World, and writes what the recorder would
// have recorded of them. The decoder (interpose/decode.h) makes the ops from that: an imported
// trace is made by the same rules as a recorded one.
//
// Method.
//
// - Calls take effect in the order in which they ended. Descriptors that are closed are gone when
//   the close begins.
// - A child takes over its parent's descriptors when its first line comes, or when the call that
//   made it returns, whichever is first.
// - What a log does not say at once is learnt from later lines: a umask from the mode that fstat
//   shows, an old size from what lseek returns. Then everything is replayed once more from the
//   start with what was learnt (Knowledge), until nothing new is learnt.
// - What stays unknown and matters is an obstacle, which says what would have made it known.
#pragma once

#include <string>

#include "base/result.h"
#include "import/replay.h"

namespace oldornew::replay {

class LogReplay {
 public:
  LogReplay(const StraceLog& log, const ReplaySpec& spec, Knowledge* knowledge)
      : spec_(spec), replay_(log, spec, *knowledge), knowledge_(knowledge) {}

  /// One replay. Errors (kUsage): a line that cannot be understood, named. True: something was
  /// learnt, and everything has to be replayed again, by a new LogReplay.
  Result<bool> Run();

  /// What the replay found.
  const Replay& found() const { return replay_; }
  int32_t exit_status() const { return exit_status_; }

 private:
  void OnEvent(const StraceEvent& event);
  void OnEnd(const StraceEvent& event);
  bool Born(int32_t tid);
  void Finish();

  const ReplaySpec& spec_;
  Replay replay_;
  Knowledge* knowledge_;
  int32_t exit_status_ = 0;
};

/// The first current directory that the log shows of its first process; empty: it does not.
std::string FirstDirectory(const StraceLog& log);

}  // namespace oldornew::replay
