#include "explorers/faults/plain_runs.h"

#include "lab/survey.h"

namespace oldornew {

Result<std::string> PlainRuns::MakeSurvey() {
  ASSIGN_OR_RETURN(Trace trace, RecordSurvey(given_.lab, plain()));
  survey_ = std::make_shared<Trace>(std::move(trace));
  surveyed_ = std::chrono::steady_clock::now();

  if (const std::string idle = LeftAsItWas(); !idle.empty()) {
    return fmt::format(
        "leaves {} as it was: what the command does depends on timestamps, which are not restored, "
        "or on chance",
        idle);
  }
  if (std::string why = WhyNotAlike(plain(), *survey_); !why.empty()) return why;

  patterns_.emplace(plain(), *survey_);
  RETURN_IF_ERROR(MakeJudge());
  return std::string();
}

// A file of the old state that the plain run changed and the survey did not; empty: there is none.
std::string PlainRuns::LeftAsItWas() const {
  const std::set<std::string> changed = ChangedPaths(*survey_);
  for (const std::string& path : ChangedPaths(plain())) {
    if (plain().old_tree.Lookup(path) && !changed.contains(path)) return path;
  }
  return {};
}

Status PlainRuns::MakeJudge() {
  ASSIGN_OR_RETURN(const CheckerPool* pool, given_.lab.Checkers());
  judge_.emplace(plain(), *survey_, *patterns_, given_.question, *pool);
  if (later_ != nullptr) judge_->AlsoPlain(*later_);
  return judge_->Prepare();
}

Result<bool> PlainRuns::LookAgainLater() {
  if (later_ != nullptr) return false;
  given_.lab.WaitUntil(surveyed_ + std::chrono::milliseconds(1100));
  ASSIGN_OR_RETURN(Trace trace, given_.lab.Run(0, given_.lab.run(), &plain().old_tree));
  later_ = std::make_shared<Trace>(std::move(trace));
  if (later_->exit_status != plain().exit_status || !later_->CanBeJudged()) return false;

  const Digest end = survey_->new_tree.RootDigest();
  const bool alike = later_->new_tree.RootDigest() == end && plain().new_tree.RootDigest() == end &&
                     StepsOf(*later_) == StepsOf(*survey_);
  if (alike) return false;

  patterns_->Learn(*survey_, *later_);
  patterns_->Learn(plain(), *later_);
  plain_steps_.reset();
  RETURN_IF_ERROR(MakeJudge());
  return true;
}

std::string PlainRuns::StepsOf(const Trace& trace) const {
  std::string out;
  for (const Op& op : trace.ops) {
    if (op.error != 0 || (!IsSync(op.kind) && !ChangesTree(op.kind))) continue;
    out += fmt::format("{} {} {}\n", OpKindName(op.kind), patterns_->Of(op.path),
                       patterns_->Of(op.path2));
  }
  return out;
}

const std::string& PlainRuns::PlainSteps() {
  if (!plain_steps_) plain_steps_ = StepsOf(plain());
  return *plain_steps_;
}

}  // namespace oldornew
