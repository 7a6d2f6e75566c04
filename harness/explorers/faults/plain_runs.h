// Plain runs: the runs without a fault that faulted ones are held against: the recorded one, a
// survey with all its file calls, and, before anything is said against the command, a third one
// more than a second later, in which timestamps are others (oracles.md 7).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "explorers/explorer.h"
#include "oracle/end_judge.h"
#include "oracle/path_patterns.h"

namespace oldornew {

class PlainRuns {
 public:
  /// `given` must outlive this.
  explicit PlainRuns(const Given& given) : given_(given) {}

  /// Makes the survey. Returns why nothing can be made of it, to follow "a second run from the same
  /// state"; empty: all is well, and the rest of this may be used. Errors: those of Lab::Run.
  Result<std::string> MakeSurvey();

  /// The third plain run, once. True: it ended differently, so that the judge is another one now.
  /// Errors: those of Lab::Run and of EndJudge::Prepare.
  Result<bool> LookAgainLater();

  const Trace& plain() const { return given_.plain; }
  const std::shared_ptr<const Trace>& survey() const { return survey_; }
  const PathPatterns& patterns() const { return *patterns_; }
  EndJudge& judge() { return *judge_; }

  /// What the run did to files, and in which order, without what it did it with.
  std::string StepsOf(const Trace& trace) const;
  const std::string& PlainSteps();

 private:
  std::string LeftAsItWas() const;
  Status MakeJudge();

  const Given& given_;
  std::shared_ptr<const Trace> survey_;
  std::chrono::steady_clock::time_point surveyed_;
  std::shared_ptr<const Trace> later_;
  std::optional<PathPatterns> patterns_;
  std::optional<EndJudge> judge_;
  std::optional<std::string> plain_steps_;  ///< StepsOf the plain run, as far as patterns are known
};

}  // namespace oldornew
