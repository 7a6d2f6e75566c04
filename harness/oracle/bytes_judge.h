// Bytes judge: oracles `atomic`, `durable` and `attrs` of one subject, by its bytes, kinds, targets
// and attributes.
#pragma once

#include "oracle/question.h"
#include "oracle/state_judge.h"

namespace oldornew {

class BytesJudge final : public StateJudge {
 public:
  /// `trace` must outlive this. Oracle attrs is asked as far as it has a
  /// question about the subject.
  BytesJudge(const Trace& trace, const Subject& subject, const Question& question);

  Status Judge(std::span<const CrashState> states, const Found& found) override;
  size_t batch() const override { return 1; }

  /// The same for one state.
  void JudgeOne(const CrashState& state, const Found& found) const;

 private:
  const Trace& trace_;
  /// Versions told apart by their attributes too, for oracle attrs; without versions: not asked.
  VersionHistory combinations_;
};

}  // namespace oldornew
