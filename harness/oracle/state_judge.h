// State judge: asks the oracles of states of one subject. There are two: by bytes
// (oracle/bytes_judge.h) and by the user's command (oracle/command_judge.h). Power cuts, kills,
// repairs and replays all ask one of these.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/result.h"
#include "oracle/state_rules.h"
#include "oracle/versions.h"
#include "oracle/watch.h"

namespace oldornew {

class StateJudge {
 public:
  using Found = std::function<void(const Violation&, const CrashState&)>;

  virtual ~StateJudge() = default;

  /// What is judged, and what the model must carry of it.
  const Subject& subject() const { return subject_; }
  const Projection& projection() const { return projection_; }
  /// The acknowledgements of the run, and, by bytes, the versions. Lives as long as the judge.
  const VersionHistory& history() const { return history_; }

  /// `found` gets each violation, in the order of the states, of whatever oracle: which of them are
  /// asked is for the caller to say. CrashState::last_point says up to
  /// which recorded op the run had come at most. Errors: those of a checker.
  virtual Status Judge(std::span<const CrashState> states, const Found& found) = 0;

  /// So many states are best handed over at a time; 1: Judge may be called from several threads.
  virtual size_t batch() const = 0;

 protected:
  StateJudge(Subject subject, Projection projection, VersionHistory history)
      : subject_(std::move(subject)),
        projection_(std::move(projection)),
        history_(std::move(history)) {}

 private:
  Subject subject_;
  Projection projection_;
  VersionHistory history_;
};

}  // namespace oldornew
