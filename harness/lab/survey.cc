#include "lab/survey.h"

#include "oracle/end_state.h"

namespace oldornew {

Result<Trace> RecordSurvey(Lab& lab, const Trace& plain) {
  RunSpec run = lab.run();
  run.plan.survey = true;
  return lab.Run(0, run, &plain.old_tree);
}

std::string WhyNotAlike(const Trace& plain, const Trace& survey) {
  if (!survey.CanBeJudged()) return "cannot be judged: " + survey.obstacles.front().reason;
  if (survey.exit_status == plain.exit_status) return {};
  return fmt::format("exits {} and says {}", survey.exit_status, FirstWords(survey));
}

}  // namespace oldornew
