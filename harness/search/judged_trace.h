// Judged trace: what is judged of one recorded run, and the judges for it, prepared once and used
// by every search of that run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "oracle/bytes_judge.h"
#include "oracle/checker.h"
#include "oracle/command_judge.h"
#include "oracle/question.h"

namespace oldornew {

struct JudgedTrace {
  const Trace* trace = nullptr;
  std::vector<Subject> subjects;
  /// One for each subject; none where only the user's command judges (Question::ByBytes).
  std::vector<std::unique_ptr<BytesJudge>> by_bytes;
  std::unique_ptr<CommandJudge> by_command;  ///< null without --view and --check
  /// Why no verdict is possible (oracles.md 3): then there are no judges, and nothing is searched.
  std::vector<std::string> unsupported;

  std::vector<StateJudge*> Judges() const;
};

/// `trace`, `question` and `pool` must outlive what is returned. Errors: usage (a --watch path that
/// does not exist), those of CommandJudge::Learn.
Result<JudgedTrace> PrepareToJudge(const Trace& trace, const Question& question,
                                   const CheckerPool& pool);

}  // namespace oldornew
