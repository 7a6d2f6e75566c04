#include "oracle/bytes_judge.h"

namespace oldornew {

BytesJudge::BytesJudge(const Trace& trace, const Subject& subject, const Question& question)
    : StateJudge(subject, ProjectionOf(trace, subject),
                 TraceVersions(trace, subject, question.ack)),
      trace_(trace) {
  if (question.Asks(Oracle::kAttrs) && HasAttributeQuestion(trace, subject, history().new_view))
    combinations_ = TraceVersions(trace, subject, question.ack, Value::kCombination);
}

void BytesJudge::JudgeOne(const CrashState& state, const Found& found) const {
  const auto violation = JudgeState(trace_, subject(), history(), state.tree, state.last_point);
  if (violation) found(*violation, state);

  // What is torn has no attributes to go with it.
  const bool torn = violation && violation->oracle == Oracle::kAtomic;
  if (combinations_.versions.empty() || torn) return;
  if (const auto mixed = JudgeAttributes(trace_, subject(), combinations_, state.tree))
    found(*mixed, state);
}

Status BytesJudge::Judge(std::span<const CrashState> states, const Found& found) {
  for (const CrashState& state : states) JudgeOne(state, found);
  return {};
}

}  // namespace oldornew
