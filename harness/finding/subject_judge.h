// Subject judge: asks one oracle of many states of one subject, to try out what makes a finding go
// away.
#pragma once

#include <optional>

#include "finding/search.h"
#include "oracle/judge.h"
#include "oracle/versions.h"

namespace oldornew {

class SubjectJudge {
 public:
  /// All must outlive this.
  SubjectJudge(const Trace& trace, const Subject& subject, const AckRule& ack, Oracle oracle)
      : trace_(trace),
        subject_(subject),
        oracle_(oracle),
        history_(TraceVersions(trace, subject, ack)) {
    if (oracle == Oracle::kAttrs)
      combinations_ = TraceVersions(trace, subject, ack, Value::kCombination);
  }

  /// What is wrong with the state when the machine went down after `last_point` ops: for `attrs`
  /// what that oracle says (nothing of what is torn), else what `atomic` and `durable` say.
  std::optional<Violation> Judge(const FileTree& state, uint32_t last_point) const {
    auto violation = JudgeState(trace_, subject_, history_, state, last_point);
    if (oracle_ != Oracle::kAttrs) return violation;
    if (violation && violation->oracle == Oracle::kAtomic) return std::nullopt;
    return JudgeAttributes(trace_, subject_, combinations_, state);
  }

  const VersionHistory& history() const { return history_; }

 private:
  const Trace& trace_;
  const Subject& subject_;
  Oracle oracle_;
  VersionHistory history_;
  VersionHistory combinations_;
};

}  // namespace oldornew
