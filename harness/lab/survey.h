// Survey: a second plain run, from which everything that can happen to the command is made: it has
// all file calls, and what it does otherwise than the first one is chance (oracles.md 7).
#pragma once

#include <string>

#include "base/result.h"
#include "lab/lab.h"
#include "trace/trace.h"

namespace oldornew {

/// The recorded command from the old state of `plain`, with Trace::file_calls. Errors: those of
/// Lab::Run.
Result<Trace> RecordSurvey(Lab& lab, const Trace& plain);

/// Why nothing can be made from it, to follow "a second run from the same state": "exits 1 and says
/// ...". Empty: it ended as the plain run did, and can be judged.
std::string WhyNotAlike(const Trace& plain, const Trace& survey);

}  // namespace oldornew
