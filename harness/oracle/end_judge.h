// End judge: what one run in which something went wrong may and may not do, by the rules of
// oracles.md 1, 3, 11, 12 and 14. Each rule is a function of its own, in the files named after it;
// the judge asks them in turn.
//
// A run that reports success must have done what the plain run did, whatever went wrong. A run that
// reports an error must leave every watched path old, or new, or as some version published on the
// way; and it must clean up, as far as it could. Under --view or --check that command is asked in
// the place of bytes (rule 3). The judge looks at how the run ended; what a power cut does to it is
// asked elsewhere.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "oracle/checker.h"
#include "oracle/end_commands.h"
#include "oracle/ended_run.h"
#include "oracle/path_patterns.h"
#include "oracle/plain_ends.h"
#include "oracle/question.h"

namespace oldornew {

class EndJudge {
 public:
  /// `survey` is a second plain run. All must outlive this.
  EndJudge(const Trace& plain, const Trace& survey, const PathPatterns& patterns,
           const Question& question, const CheckerPool& pool);

  /// A third plain run, of another time: what it ends differently with is unstable too. Before
  /// Prepare.
  void AlsoPlain(const Trace& later) { ends_.Also(later); }

  /// To be called first: what is watched, and what --view prints for the plain runs. Errors: those
  /// of SubjectsToJudge and of a checker.
  Status Prepare();

  /// Errors: those of a checker.
  Result<EndJudgement> Judge(const EndedRun& run);

  /// Rules of its own for syncs and closes whose error was passed over; for runs that are not
  /// searched for what power cuts do. `closes_only`: the rest is searched.
  std::vector<EndViolation> JudgeSyncs(const EndedRun& run, bool closes_only) const;

  /// The watched paths with files, symlinks and the like that the run found or left.
  std::vector<std::string> FilesIn(const Trace& trace) const;

  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Status LearnViews();
  Status LearnChecks();
  Result<const std::set<std::string>*> ViewsOnTheWay();

  Status JudgeByView(const EndedRun& run, EndJudgement* out);
  Status JudgeByCheck(const EndedRun& run, EndJudgement* out);
  void JudgeByBytes(const EndedRun& run, EndJudgement* out) const;
  void JudgeCommitted(const EndedRun& run, EndJudgement* out) const;
  void JudgeLitter(const EndedRun& run, EndJudgement* out) const;
  void JudgeOthers(const EndedRun& run, EndJudgement* out) const;

  const PathPatterns& patterns_;
  const Question& question_;
  EndCommands commands_;
  PlainEnds ends_;
  std::string old_view_;
  std::string new_view_;
  bool asks_view_ = false;   ///< there is a --view, and it prints the same after all plain runs
  bool asks_check_ = false;  ///< there is a --check, and it accepts what all plain runs leave
  /// what --view prints on the way of the plain run; empty: not yet asked
  std::set<std::string> views_on_the_way_;
  std::vector<std::string> notes_;
};

}  // namespace oldornew
