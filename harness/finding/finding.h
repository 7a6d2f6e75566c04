// Finding: one thing that is wrong, with all that a person needs to understand, reproduce and repair it.
// Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/crash_states.h"
#include "oracle/judge.h"
#include "trace/trace.h"

namespace oldornew {

enum class Severity : uint8_t { kError, kWarning };
const char* SeverityName(Severity severity);

struct Finding {
  Oracle oracle = Oracle::kAtomic;
  Severity severity = Severity::kError;
  bool pedantic =
      false;  ///< reachable only in profiles that were explored but not asked for (posix): oracles.md 16
  std::string path;  ///< the subject
  std::string at;    ///< where in it the shown case goes wrong; often the same
  std::map<Outcome, std::vector<std::string>> outcomes;  ///< outcome -> profiles, in the table's order
  std::vector<std::string> profiles;  ///< all in which it is reachable, in the table's order
  std::string message;                ///< one sentence: what can happen, to which file, in which profiles
  std::string explanation;            ///< one sentence: why; may be empty

  // The case shown: the smallest deviation from "nothing lost", in a mainstream profile if there is one.
  Outcome shown = Outcome::kForeign;
  std::string profile;
  std::string token;
  uint32_t first_point = 0;  ///< the power may be lost from this many ops on ...
  uint32_t last_point = 0;   ///< ... to this many
  std::vector<Effect> lost;
  std::vector<uint32_t> on_disk;  ///< ops that are on disk and give the subject its name
  std::string evidence;           ///< view and check: what the command printed
  /// Added syncs after which the finding is gone, as sentences; empty: not looked for, or (with
  /// `repair_failed`) none found.
  std::vector<std::string> repair;
  std::vector<std::string>
      repair_calls;  ///< the same without names and places: "fsync file", "fsync directory"
  bool repair_failed = false;
  std::string source;  ///< program and place of the guilty call
  /// `path` as it is the same in every run of the program: SubjectPattern. Empty: as `path`.
  std::string stable_path;
  std::string scene;  ///< not of the recorded run but of a further one: "with an empty config.toml". Else empty
  int run = -1;       ///< index of that further run; -1: the recorded one
  std::string accepted;  ///< not empty: a baseline accepts it, for this reason (gate/baseline.h)
};

/// The same for the same finding in every run and on every machine, 16 hex digits: of the oracle, the subject
/// (stable_path) and the kinds of the calls that repair it. Nothing of a recording is in it, no time, number,
/// address or token; nor the profiles, so that a new row of the table gives no new finding.
std::string FindingId(const Finding& finding);

/// `path`, with what looks random in the names that the run made anew ("sedB3xK9a", "out.31415") replaced by
/// "*". Names that the old tree has are kept as they are.
std::string SubjectPattern(const Trace& trace, const std::string& path);

/// "ext4 with noauto_da_alloc, xfs" for {"ext4,noauto_da_alloc", "xfs"}. A family's options are left out when
/// its plain row is in the list; `all` (the number of rows explored) equal to the list's length gives "all
/// profiles".
std::string ShowProfiles(const std::vector<std::string>& profiles, size_t all);

/// Fills message, explanation and source from the other fields.
void Describe(const Trace& trace, const VersionHistory* history, int ack, size_t profiles_explored,
              Finding* finding);

}  // namespace oldornew
