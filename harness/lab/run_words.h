// Run words: how reports name further runs and the calls of them that were made to fail.
#pragma once

#include <string>
#include <vector>

#include "finding/finding.h"
#include "trace/trace.h"

namespace oldornew {

/// Program and place of the call.
std::string SourceOf(const Trace& trace, const FileCall& call);
/// The call as data.
CallAt AsData(const Trace& trace, const FileCall& call);
/// "3 write(f.tmp)": with the number that reports give the call, if it left an op.
std::string CallText(const Trace& trace, const FileCall& call);

/// FurtherRun::id of a run with this plan: "fault:rename:error=EXDEV:when=1". `what`: "fault",
/// "kill".
std::string RunIdOf(const std::string& what, const std::vector<std::string>& plan);
/// The command line that makes such a run again.
std::string CheckAgain(const std::vector<std::string>& plan,
                       const std::vector<std::string>& command);

}  // namespace oldornew
