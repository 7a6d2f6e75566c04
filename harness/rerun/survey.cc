#include "rerun/survey.h"

#include "rerun/end_state.h"

namespace oldornew {

Result<Trace> RecordSurvey(Sandbox& sandbox, const Trace& plain, RunSpec run) {
  run.plan.survey = true;
  RETURN_IF_ERROR(sandbox.Present(plain.old_tree));
  return RecordIn(sandbox, run);
}

std::string WhyNotAlike(const Trace& plain, const Trace& survey) {
  if (!survey.CanBeJudged()) return "cannot be judged: " + survey.obstacles.front().reason;
  if (survey.exit_status == plain.exit_status) return {};
  return fmt::format("exits {} and says {}", survey.exit_status, FirstWords(survey));
}

}  // namespace oldornew
