// State rules: what oracles.md 1, 2 and 6 say of one state of one subject, each rule one function.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/crash_states.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/versions.h"

namespace oldornew {

struct Violation {
  Oracle oracle = Oracle::kAtomic;
  Outcome outcome = Outcome::kForeign;
  std::string at;        ///< path where it shows
  std::string evidence;  ///< e.g. what the view printed; may be empty
  int ack = -1;          ///< durable: index into VersionHistory::acks of the broken promise
};

/// What is wrong with the value `key` of the subject when the machine went down after at most
/// `last_point` ops; nullopt: it is wholly some acceptable version, and none that an
/// acknowledgement had outdated.
std::optional<Violation> JudgeState(const Trace& trace, const Subject& subject,
                                    const VersionHistory& history, const FileTree& state,
                                    uint32_t last_point);

/// Whether oracle `attrs` has a question about the subject: some call changed attributes, and what
/// is at its places at the end was not made there. A file that is created under its own name and
/// gets its owner and mode when it is filled is being built in the sight of all: oracle `atomic`
/// has said so, and there is no content to which other attributes would belong. `end` is the tree
/// after all ops, its inodes numbered as the trace's objects: VersionHistory::new_view.
bool HasAttributeQuestion(const Trace& trace, const Subject& subject, const FileTree& end);

/// Oracle `attrs` (oracles.md 6): does the state show the subject with bytes, mode, owner, user.*
/// attributes and ACL that belong together? `combinations` is TraceVersions with
/// Value::kCombination. Only for states that JudgeState does not find broken: what is torn has no
/// attributes to go with it.
std::optional<Violation> JudgeAttributes(const Trace& trace, const Subject& subject,
                                         const VersionHistory& combinations, const FileTree& state);

}  // namespace oldornew
