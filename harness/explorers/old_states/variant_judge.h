// Variant judge: how a run from another old state may end. It is held against what the plain run
// did from the recorded old state, by the rules of oracles.md 6, 10, 11, 12 and 14.
#pragma once

#include <string>
#include <vector>

#include "explorers/explorer.h"
#include "explorers/old_states/variant.h"
#include "lab/run_again.h"
#include "oracle/honest.h"
#include "oracle/name_set.h"

namespace oldornew {

/// A run of a variant that has come to its end.
struct VariantRun {
  const Variant& variant;
  const Trace& trace;
};

/// One thing that is wrong with it.
struct VariantWrong {
  Oracle oracle = Oracle::kHonest;
  Outcome outcome = Outcome::kNotDone;
  Severity severity = Severity::kError;
  std::string what;
};

class VariantJudge {
 public:
  /// `again` is a second plain run. All must outlive this.
  VariantJudge(const Given& given, RunAgain& runs, const Trace& again);

  /// Of a run that reports success, or one that reports an error. Errors: those of Lab::Run.
  Result<std::vector<VariantWrong>> Judge(const VariantRun& run) const;

 private:
  Result<std::vector<VariantWrong>> JudgeSuccess(const VariantRun& run) const;
  Result<std::vector<VariantWrong>> JudgeFailure(const VariantRun& run) const;
  Status JudgeReaders(const VariantRun& run, std::vector<VariantWrong>* out) const;
  Status JudgeWedge(const VariantRun& run, std::vector<VariantWrong>* out) const;
  void JudgeLitter(const VariantRun& run, std::vector<VariantWrong>* out) const;
  void JudgeOthers(const VariantRun& run, std::vector<VariantWrong>* out) const;
  void JudgeLink(const VariantRun& run, std::vector<VariantWrong>* out) const;
  Readers ReadersOf(const VariantRun& run) const;
  bool IsComparable(const Variant& variant) const;
  bool ChangedByPlain(const Trace& trace, const std::string& path) const;

  const Given& given_;
  const Trace& plain_;
  const Trace& again_;
  RunAgain& runs_;
  NameSet plain_changes_;  ///< what the two plain runs changed
};

}  // namespace oldornew
