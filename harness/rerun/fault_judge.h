// Fault judge: what one run in which something went wrong may and may not do (oracles.md 5, 7, 11,
// 12).
//
// A run that reports success must have done what the plain run did, whatever went wrong. A run that
// reports an error must leave every watched path old, or new, or as some version published on the
// way; and it must clean up, as far as it could. The judge looks at how the run ended; what a power
// cut does to it is asked elsewhere.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "finding/search.h"
#include "rerun/end_state.h"
#include "rerun/fault_case.h"
#include "rerun/path_patterns.h"
#include "run/record.h"
#include "trace/trace.h"

namespace oldornew {

/// One run to be judged.
struct FaultedRun {
  const Trace* trace = nullptr;
  std::vector<const FileCall*> hits;  ///< calls of it to which something happened, in order
  const FileCall* guilty = nullptr;   ///< the one of them that the case is about
  bool hung = false;                  ///< it was ended by the time limit
  FaultWay way = FaultWay::kOnce;
};

/// One thing that is wrong with a run.
struct Blame {
  Oracle oracle = Oracle::kHonest;
  Outcome outcome = Outcome::kNotDone;
  Severity severity = Severity::kError;
  std::string path;
  std::string what;       ///< "f can be TRUNCATED although the command reports success"
  bool any_call = false;  ///< the same, whichever call fails: one finding for all of them
  std::string evidence;
  bool piles_up = false;  ///< clean: the name is another one in each run
};

struct FaultJudgement {
  std::vector<Blame> blames;
  /// it reports an error after the commit, and could not know better
  bool committed_though_failed = false;
};

class FaultJudge {
 public:
  /// `survey` is a second plain run. All must outlive this.
  FaultJudge(const Trace& plain, const Trace& survey, const PathPatterns& patterns,
             const SearchOptions& options);

  /// A third plain run, of another time: what it ends otherwise with is unstable too. Before
  /// Prepare.
  void AlsoPlain(const Trace& later);

  /// To be called first: what --view prints for the plain runs. Errors: those of ChooseSubjects and
  /// probes.
  Status Prepare();

  /// Errors: those of a probe.
  Result<FaultJudgement> Judge(const FaultedRun& run);

  /// Rules of its own for syncs and closes whose error was passed over; for runs that are not
  /// searched for what power cuts do. `closes_only`: the rest is searched.
  std::vector<Blame> JudgeSyncs(const FaultedRun& run, bool closes_only) const;

  /// Whether what is left under a name that is another in each run piles up: the command is run
  /// once more, and nothing fails. What that run takes away is a warning. Other blames stay as they
  /// are. Errors: as RecordIn.
  Status AskNextRun(Sandbox& sandbox, const RunSpec& run, const Trace& failed, Blame* blame);

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

  bool Viewed() const { return !options_.probes.empty() && options_.probes[0].view != nullptr; }
  Result<std::string> View(const FileTree& tree) const;
  Status LearnViews();
  Result<std::set<std::string>*> PrefixViews();
  static Value ValueOf(const Trace& trace, const FileTree& tree, const Subject& subject);
  static bool Same(const Value& a, const Value& b);

  Status JudgeView(const FaultedRun& run, FaultJudgement* out);
  void JudgeSubject(const FaultedRun& run, const Watched& watched, FaultJudgement* out) const;
  std::optional<Outcome> Cut(const FaultedRun& run, const Watched& watched) const;
  void JudgeMode(const FaultedRun& run, const Watched& watched, FaultJudgement* out) const;
  void JudgeCommitted(const FaultedRun& run, FaultJudgement* out) const;
  bool CouldNotKnow(const FaultedRun& run) const;
  bool CouldCleanUp(const FaultedRun& run) const;
  void JudgeLitter(const FaultedRun& run, FaultJudgement* out) const;
  size_t CountOf(const Trace& trace, const std::string& pattern) const;
  bool RemovalWasHit(const FaultedRun& run, const std::string& path) const;
  static bool RemovalWasTried(const Trace& trace, const FileCall& hit, const std::string& path);
  bool KeepsTheOld(const Trace& trace, const std::string& path) const;
  std::string SecretIn(const FaultedRun& run, size_t root, const std::string& path,
                       InodeIndex inode, bool* exposed) const;
  void JudgeOthers(const FaultedRun& run, FaultJudgement* out) const;
  void JudgeForeignRemoval(const FaultedRun& run, FaultJudgement* out) const;

  void Know(const Trace& trace);

  const Trace& plain_;
  const Trace& survey_;
  const Trace* later_ = nullptr;
  const PathPatterns& patterns_;
  const SearchOptions& options_;
  std::vector<Watched> watched_;
  std::map<std::string, bool> taken_away_;  ///< by pattern: what AskNextRun found
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
