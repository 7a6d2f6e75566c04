// Command judge: oracles `check`, `atomic` and `durable` by the user's own command (oracles.md 3).
// It sees the whole judged directory without what is volatile; its subject is ".", the directory.
//
// One command run for each distinct state, side by side as far as the pool allows; answers are
// remembered by state.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "oracle/checker.h"
#include "oracle/question.h"
#include "oracle/state_judge.h"

namespace oldornew {

class CommandJudge final : public StateJudge {
 public:
  /// All must outlive this. REQUIRES: the pool is not empty.
  CommandJudge(const Trace& trace, const Question& question, const CheckerPool& pool);

  /// Learns what the commands say of the versions. Before anything else. Errors: kBaselineFailed
  /// when --check rejects the old or the new state itself; kUsage when --view prints something
  /// different on the same state; those of a checker.
  Status Learn();

  Status Judge(std::span<const CrashState> states, const Found& found) override;
  size_t batch() const override { return 32 * pool_.size(); }

  /// What --view prints for the old and for the new state. REQUIRES: Learn, and there is a --view.
  const std::string& old_view() const { return versions_.front().output; }
  const std::string& new_view() const { return versions_.back().output; }
  /// Sentences for the report.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Distinct states that were asked about.
  size_t asked() const { return answers_.size(); }

 private:
  struct Answers {
    std::string view;
    CheckerAnswer check;
  };
  /// What --view prints for a version that was there after `point` ops.
  struct ViewVersion {
    uint32_t point = 0;
    std::string output;
  };

  CheckerContext ContextAt(uint32_t point) const;
  Result<CheckerAnswer> Ask(const Checker& checker, const FileTree& tree, uint32_t point) const;
  Status LearnVersion(const FileTree& tree, uint32_t point);
  Status LearnVersions();
  Status CheckEndpoints();
  Digest KeyOfState(const CrashState& state) const;
  Result<Answers> AskBoth(const CheckerSet& checkers, const CrashState& state) const;
  Status AnswerAll(std::span<const CrashState> states);
  void JudgeAnswers(const Answers& answers, const CrashState& state, const Found& found) const;

  const Trace& trace_;
  const Question& question_;
  const CheckerPool& pool_;
  std::vector<ViewVersion> versions_;
  std::unordered_map<Digest, Answers> answers_;
  std::vector<std::string> notes_;
};

}  // namespace oldornew
