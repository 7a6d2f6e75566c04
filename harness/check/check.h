// Check: one check as a value. It records the command (or loads its trace), explores, and judges.
// Nothing is printed; what is said of it, and where it is kept, is the caller's business.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "check/axes.h"
#include "check/plan.h"
#include "check/verdict.h"
#include "explorers/explorer.h"
#include "run/record.h"

namespace oldornew {

/// What one axis came to, without its findings and runs.
struct AxisResult {
  std::string axis;
  uint64_t cases = 0;
  bool exhaustive = true;
  std::string words;  ///< for people; may be empty
};

struct CheckResult {
  Recording recording;  ///< the plain run, and its sandbox unless it was loaded
  /// Where --watch and the default rule led; the subjects of the report.
  std::vector<Subject> subjects;
  std::vector<std::string> profiles;  ///< names of the rows that were explored
  std::string profile_table;          ///< ProfileTable::Version() of the rows that were used
  bool searched = false;  ///< false: the trace could not be judged; then nothing follows
  /// Why no verdict is possible (oracles.md 3); then there are no findings.
  std::vector<std::string> unsupported;
  std::vector<Finding> findings;  ///< Finding::run is an index into `further`
  std::vector<FurtherRun> further;
  std::vector<AxisResult> axes;  ///< that were explored, in their order
  Coverage coverage;             ///< of power cuts
  std::vector<std::string> notes;
  std::vector<std::string> bounds;
  VerdictRules rules;
  Judgement judgement;
  double explore_seconds = 0;  ///< of the power cuts alone
  double seconds = 0;          ///< wall time of the whole check

  const Trace& trace() const { return recording.trace; }
  /// The trace that a finding is about.
  const Trace& TraceOf(const Finding& finding) const {
    return finding.run < 0 ? trace() : further[static_cast<size_t>(finding.run)].trace;
  }
  bool Explored(const std::string& axis) const;
  /// Takes the verdict anew, when findings have been accepted.
  void JudgeAgain();
};

/// Errors: usage, interrupted, internal; whatever only prevents a verdict is the judgement of the
/// result.
Result<std::unique_ptr<CheckResult>> Check(CheckPlan plan,
                                           const AxisTable& axes = AxisTable::BuiltIn());

}  // namespace oldornew
