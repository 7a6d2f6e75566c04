// Explain: one finding in words, for somebody who has never heard of crash states: what happened
// call by call, what a reader finds, why a file system may do this, what to change, how to see it
// again.
#pragma once

#include <string>

#include "base/result.h"
#include "finding/finding.h"
#include "model/profile.h"
#include "oracle/watch.h"
#include "trace/trace.h"

namespace oldornew {

struct ExplainInput {
  const Trace* trace = nullptr;
  const Finding* finding = nullptr;
  const Subject* subject = nullptr;  ///< what was judged; without places: no content is shown
  const Profile* row = nullptr;      ///< of the token's profile, where it is not the built-in one
  std::string replay;                ///< the command that brings the state back
};

/// Text for a terminal, or Markdown for a bug report. Errors (usage): the finding's token does not
/// fit the trace.
Result<std::string> ExplainFinding(const ExplainInput& input, bool markdown);

}  // namespace oldornew
