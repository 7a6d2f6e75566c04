// Fault findings: what is wrong with many faulted runs, told once for each thing that is to be
// mended in the program. The same call fails with many errors and at many moments; and a file that
// is left behind is left behind whichever call fails.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "finding/finding.h"
#include "rerun/fault_judge.h"
#include "rerun/further_run.h"
#include "rerun/path_patterns.h"

namespace oldornew {

/// A faulted run, as findings speak of it.
struct FaultScene {
  const Trace* trace = nullptr;
  const FileCall* guilty = nullptr;
  std::string id;     ///< FurtherRun::id
  std::string fault;  ///< "ENOSPC", "on a disk with 4096 B left", "EIO at 3 write(f), then ENOSPC"
  std::string call;   ///< the guilty one: "3 write(f.tmp)"
  std::string again;  ///< a command that makes the run again
  size_t run = 0;     ///< index that the run gets if it has findings
};

/// Program and place of the guilty call.
std::string SourceOf(const Trace& trace, const FileCall& call);
/// "3 write(f.tmp)": with the number that reports give the call, if it left an op.
std::string CallText(const Trace& trace, const FileCall& call);

/// FurtherRun::id of a run with this plan: "fault:rename:error=EXDEV:when=1". `what`: "fault",
/// "kill".
std::string RunIdOf(const std::string& what, const std::vector<std::string>& plan);
/// The command line that makes such a run again.
std::string CheckAgain(const std::vector<std::string>& plan,
                       const std::vector<std::string>& command);

class FaultFindings {
 public:
  /// True when it is the first of its kind: its run is to be kept.
  bool Add(const PathPatterns& patterns, const FaultScene& scene, Blame blame);

  /// In the order in which they came up. `runs`: those that were kept.
  std::vector<Finding> Take(const PathPatterns& patterns,
                            const std::vector<FurtherRun>& runs) const;

 private:
  /// A call, and what made it fail with the same end.
  struct Way {
    std::string call;   ///< "3 write(sedXk2)"
    std::string calls;  ///< as it is in every run: "3 write sed*"
    Outcome outcome = Outcome::kNotDone;
    std::vector<std::string> faults;  ///< in the order of the cases
  };
  struct Group {
    Blame blame;  ///< of the first one
    size_t run = 0;
    std::string token;
    std::string source;
    std::string cause;  ///< the same in every run
    std::string again;
    std::vector<Way> ways;
  };
  using Key = std::tuple<Oracle, std::string, std::string>;

  static std::string Ways(const Group& group);
  Finding FindingOf(const PathPatterns& patterns, const Group& group, const FurtherRun& run) const;

  std::map<Key, Group> groups_;
  std::vector<Key> order_;
};

}  // namespace oldornew
