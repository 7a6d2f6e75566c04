// Fault findings: what is wrong with many faulted runs, reported once for each thing that is to be
// mended in the program. The same call fails with many errors and at many moments; and a file that
// is left behind is left behind whichever call fails.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "finding/finding.h"
#include "lab/further_run.h"
#include "oracle/end_judge.h"
#include "oracle/path_patterns.h"

namespace oldornew {

/// A faulted run, as findings speak of it.
struct FaultScene {
  const Trace* trace = nullptr;
  const FileCall* failed_call = nullptr;  ///< the one that the case is about
  int error = 0;                          ///< FaultCase::error
  std::string id;                         ///< FurtherRun::id
  std::string title;                      ///< "with ENOSPC at 3 write(f.tmp)"
  /// "ENOSPC", "on a disk with 4096 B left", "EIO at 3 write(f), then ENOSPC"
  std::string fault;
  std::string call;       ///< the failed one: "3 write(f.tmp)"
  InjectedCall injected;  ///< the same as data
  std::string again;      ///< a command that makes the run again
  size_t run = 0;         ///< index that the run gets if it has findings
};

class FaultFindings {
 public:
  /// True when it is the first of its kind: its run is to be kept.
  bool Add(const PathPatterns& patterns, const FaultScene& scene, EndViolation violation);

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
    EndViolation violation;  ///< of the first one
    size_t run = 0;
    std::string source;
    std::string cause;  ///< the same in every run
    std::string again;
    std::vector<Way> ways;
    std::vector<InjectedCall> injected;  ///< in the order of the cases
  };
  using Key = std::tuple<Oracle, std::string, std::string>;

  static std::string Ways(const Group& group);
  Finding FindingOf(const PathPatterns& patterns, const Group& group, const FurtherRun& run) const;

  std::map<Key, Group> groups_;
  std::vector<Key> order_;
};

}  // namespace oldornew
