// Search: all crash states of a trace under the chosen profiles, judged; what fails becomes
// findings, one for each subject and oracle, the outcomes listed by profile.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "interpose/decode.h"
#include "model/crash_states.h"
#include "oracle/judge.h"

namespace oldornew {

/// What a --view or --check command says of one materialised state.
struct ProbeAnswer {
  int exit_status = 0;
  std::string output;
};

/// What a probe may want to know beside the tree (oracles.md 2): OLDORNEW_ACKED and
/// OLDORNEW_STDOUT.
struct ProbeContext {
  uint32_t acked = 0;   ///< acknowledgements given before the power went
  std::string printed;  ///< standard output up to then
};
using Probe =
    std::function<Result<ProbeAnswer>(const FileTree& state, const ProbeContext& context)>;

/// What is asked of one state at a time. Either may be empty.
struct ProbeSet {
  Probe view;   ///< --view
  Probe check;  ///< --check
};

struct SearchOptions {
  ProfileTable table = ProfileTable::BuiltIn();  ///< owns the rows below
  std::vector<const Profile*> profiles;          ///< findings in these count
  std::vector<const Profile*> pedantic;  ///< explored too; findings only here are marked pedantic
  bool power = true;                     ///< judge what power cuts leave
  bool kill = false;                     ///< judge what kills leave (finding/kill_search.h)
  Limits limits;
  WatchOptions watch;
  AckRule ack;
  std::vector<Oracle> expect = DefaultOracles();
  std::vector<std::string> allowed;  ///< contained: globs of what may change beside what is watched
  /// --ack REGEX was given, or the scenario expects it (oracles.md 16)
  bool durable_is_error = false;
  std::vector<std::string> volatile_globs{std::begin(kVolatileGlobs), std::end(kVolatileGlobs)};
  int jobs = 0;  ///< threads; 0: one for each processor. The result does not depend on it
  /// Sets that do the same, each used by one thread at a time: so many states are probed side by
  /// side. Empty: no probes.
  std::vector<ProbeSet> probes;
};

/// Whether --expect has the oracle.
bool Asked(const SearchOptions& options, Oracle oracle);

/// What kills came to.
struct KillCount {
  uint64_t moments = 0;  ///< states that were judged
  bool exhaustive = true;
};

struct SearchResult {
  std::vector<Finding> findings;  ///< errors first, then warnings, then pedantic ones
  KillCount kills;
  Coverage coverage;  ///< summed over profiles and subjects; states_distinct counts pictures once
  std::vector<std::string> subjects;  ///< names of what was judged
  std::vector<std::string> profiles;  ///< names of what was explored
  /// why no verdict is possible (oracles.md 3); then findings mean nothing
  std::vector<std::string> unsupported;
  std::vector<std::string> notes;
  /// One sentence for each axis that was not explored to the end; power cuts say it in `coverage`.
  std::vector<std::string> bounds;
};

/// What --watch and the default rule choose, without what is volatile. Errors: usage.
Result<std::vector<Subject>> SubjectsToJudge(const Trace& trace, const SearchOptions& options);

/// Errors: usage (a --watch path that does not exist), and what a probe returns.
Result<SearchResult> Search(const Trace& trace, const SearchOptions& options);

}  // namespace oldornew
