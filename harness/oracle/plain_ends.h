// Plain ends: how undisturbed runs of the command ended, which other runs are held against; and
// what differs between them by itself (oracles.md 7, "RunToRunDifferences").
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "oracle/end_commands.h"
#include "oracle/end_state.h"
#include "oracle/name_set.h"
#include "oracle/question.h"
#include "oracle/versions.h"

namespace oldornew {

/// Undisturbed runs from the same old state: the recorded one, then the repeated ones.
using PlainRunList = std::vector<const Trace*>;

/// A watched subject, and what undisturbed runs make of it.
struct WatchedEnd {
  Subject subject;
  VersionHistory history;  ///< of the recorded run
  EndValue before;
  EndValue after;
  bool stable = true;  ///< all undisturbed runs leave the same there
  bool cache = false;  ///< it only saves work: nobody misses it
};

/// Files that every program may fail to write.
bool IsCache(const std::string& path);

/// 7 RunToRunDifferences: readers find the same at `path` after both runs.
bool IsStablePath(const Trace& one, const Trace& other, const std::string& path);
/// 7 RunToRunDifferences: all these runs leave the same at the places of the subject.
bool IsStableSubject(const PlainRunList& runs, const Subject& subject);
/// 7 RunToRunDifferences: --view prints the same after all these runs. Errors: those of the
/// command.
Result<bool> IsStableView(const PlainRunList& runs, EndCommands& commands);

class PlainEnds {
 public:
  /// `runs`: two or three; they and what `pattern` refers to must outlive this.
  PlainEnds(PlainRunList runs, const NamePattern& pattern);

  /// Another undisturbed run, of another time. Before Watch.
  void Also(const Trace& later);
  /// Learns what is watched. Errors: those of SubjectsToJudge.
  Status Watch(const Question& question);

  const PlainRunList& runs() const { return runs_; }
  const Trace& plain() const { return *runs_[0]; }
  const Trace& repeated() const { return *runs_[1]; }
  const std::vector<WatchedEnd>& watched() const { return watched_; }
  /// Paths that some undisturbed run finds or leaves ...
  const NameSet& there() const { return there_; }
  /// ... and that one makes or changes.
  const NameSet& touched() const { return touched_; }
  /// The first watched subject; "." if there is none.
  std::string FirstPath() const;

 private:
  PlainRunList runs_;
  NameSet there_;
  NameSet touched_;
  std::vector<WatchedEnd> watched_;
};

}  // namespace oldornew
