// End commands: the user's own commands, --view and --check, asked of what runs leave (oracles.md
// 3, "InPlaceDatabases"). Answers are remembered by state. For one thread.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "base/result.h"
#include "oracle/checker.h"
#include "oracle/question.h"

namespace oldornew {

class EndCommands {
 public:
  /// Both must outlive this.
  EndCommands(const Question& question, const CheckerPool& pool)
      : question_(question), pool_(pool) {}

  bool HasView() const { return !pool_.empty() && pool_[0].view != nullptr; }
  bool HasCheck() const { return !pool_.empty() && pool_[0].check != nullptr; }

  /// What --view prints. REQUIRES: HasView. Errors: those of the command.
  Result<std::string> View(const FileTree& tree);
  /// What --check says of what the run left; it can ask what the run had promised (oracles.md 2).
  /// REQUIRES: HasCheck. Errors: those of the command.
  Result<CheckerAnswer> Check(const Trace& run);

 private:
  const Question& question_;
  const CheckerPool& pool_;
  std::map<Digest, std::string> views_;
  std::map<Digest, CheckerAnswer> checks_;
};

}  // namespace oldornew
