// End judge: what one run in which something went wrong may and may not do (oracles.md 5, 7, 11,
// 12).
//
// A run that reports success must have done what the plain run did, whatever went wrong. A run that
// reports an error must leave every watched path old, or new, or as some version published on the
// way; and it must clean up, as far as it could. The judge looks at how the run ended; what a power
// cut does to it is asked elsewhere.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cases/call_kind.h"
#include "cases/file_call.h"
#include "oracle/checker.h"
#include "oracle/end_state.h"
#include "oracle/outcome.h"
#include "oracle/path_patterns.h"
#include "oracle/question.h"
#include "trace/trace.h"

namespace oldornew {

/// One run to be judged.
struct EndedRun {
  const Trace* trace = nullptr;
  std::vector<const FileCall*> affected;  ///< calls of it to which something happened, in order
  const FileCall* failed_call = nullptr;  ///< the one of them that the case is about
  bool hung = false;                      ///< it was ended by the time limit
  /// Nothing can be removed any more: the disk is dead, whatever the run tries.
  bool disk_is_dead = false;
};

/// One thing that is wrong with a run.
struct EndViolation {
  Oracle oracle = Oracle::kHonest;
  Outcome outcome = Outcome::kNotDone;
  Severity severity = Severity::kError;
  std::string path;
  std::string message;    ///< "f can be TRUNCATED although the command reports success"
  bool any_call = false;  ///< the same, whichever call fails: one finding for all of them
  std::string evidence;
  bool piles_up = false;  ///< clean: the name is another one in each run
};

/// Part of the message of litter whose name is another one in each run, until it is known that the
/// next run removes it.
inline constexpr char kLeavesOneMore[] = ", and each failed run leaves one more";

struct EndJudgement {
  std::vector<EndViolation> violations;
  /// it reports an error after the commit, and could not know better
  bool committed_though_failed = false;
};

class EndJudge {
 public:
  /// `survey` is a second plain run. All must outlive this.
  EndJudge(const Trace& plain, const Trace& survey, const PathPatterns& patterns,
           const Question& question, const CheckerPool& pool);

  /// A third plain run, of another time: what it ends otherwise with is unstable too. Before
  /// Prepare.
  void AlsoPlain(const Trace& later);

  /// To be called first: what --view prints for the plain runs. Errors: those of
  /// SubjectsToJudge and of a checker.
  Status Prepare();

  /// Errors: those of a checker.
  Result<EndJudgement> Judge(const EndedRun& run);

  /// Rules of its own for syncs and closes whose error was passed over; for runs that are not
  /// searched for what power cuts do. `closes_only`: the rest is searched.
  std::vector<EndViolation> JudgeSyncs(const EndedRun& run, bool closes_only) const;

  /// The watched paths with files, symlinks and the like that the run found or left.
  std::vector<std::string> FilesIn(const Trace& trace) const;

  bool Succeeded(const Trace& trace) const;
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Value {
    Digest key;
    ReaderView view;
  };
  struct Watched {
    Subject subject;
    VersionHistory history;  ///< of the plain run
    Value before;
    Value after;
    bool stable = true;
    bool cache = false;  ///< nobody misses it
  };

  bool Viewed() const { return !pool_.empty() && pool_[0].view != nullptr; }
  Result<std::string> View(const FileTree& tree) const;
  Status LearnViews();
  Result<std::set<std::string>*> PrefixViews();
  static Value ValueOf(const Trace& trace, const FileTree& tree, const Subject& subject);
  static bool Same(const Value& a, const Value& b);

  Status JudgeView(const EndedRun& run, EndJudgement* out);
  void JudgeSubject(const EndedRun& run, const Watched& watched, EndJudgement* out) const;
  std::optional<Outcome> Cut(const EndedRun& run, const Watched& watched) const;
  void JudgeMode(const EndedRun& run, const Watched& watched, EndJudgement* out) const;
  void JudgeCommitted(const EndedRun& run, EndJudgement* out) const;
  bool CouldNotKnow(const EndedRun& run) const;
  bool CouldCleanUp(const EndedRun& run) const;
  void JudgeLitter(const EndedRun& run, EndJudgement* out) const;
  bool RemovalWasHit(const EndedRun& run, const std::string& path) const;
  static bool RemovalWasTried(const Trace& trace, const FileCall& hit, const std::string& path);
  bool KeepsTheOld(const Trace& trace, const std::string& path) const;
  std::string SecretIn(const EndedRun& run, size_t root, const std::string& path, InodeIndex inode,
                       bool* exposed) const;
  void JudgeOthers(const EndedRun& run, EndJudgement* out) const;
  void JudgeForeignRemoval(const EndedRun& run, EndJudgement* out) const;

  void Know(const Trace& trace);

  const Trace& plain_;
  const Trace& survey_;
  const Trace* later_ = nullptr;
  const PathPatterns& patterns_;
  const Question& question_;
  const CheckerPool& pool_;
  std::vector<Watched> watched_;
  std::set<std::string> clean_;    ///< patterns of all paths that the plain runs find or leave
  std::set<std::string> touched_;  ///< ... that they change or make
  std::string old_view_;
  std::string new_view_;
  bool stable_view_ = true;
  std::set<std::string> prefix_views_;
  bool prefixes_known_ = false;
  std::vector<std::string> notes_;
};

}  // namespace oldornew
