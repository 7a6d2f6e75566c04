// Versions and acknowledgements: which values of a subject are acceptable, and from when on.
//
// Acceptable (oracles.md 1): old, new, and every value bound to the subject by one rename, link,
// exchange or symlink call from something that was not changed while bound to it. What in-place
// writes show in between, and "missing", are no versions. An acknowledgement (oracles.md 2) at op
// count t promises what the page cache showed then: every later crash state must show that, or a
// version published after t.
#pragma once

#include <cstdint>
#include <regex>
#include <string>
#include <vector>

#include "base/result.h"
#include "oracle/watch.h"
#include "trace/trace.h"

namespace oldornew {

/// What counts as the program saying "it is done".
struct AckRule {
  enum class Kind : uint8_t { kExit, kNone, kLine };
  Kind kind = Kind::kExit;
  std::string line_regex;  ///< kLine: ECMAScript regex, searched in each line of the channel
  int fd = -1;  ///< kLine: the channel is the descriptor of --ack-fd; -1: standard output
  std::vector<int> ok_exit = {0};  ///< exit statuses that mean success
  bool strict_versions = false;    ///< --versions endpoints: old and new only
};

/// "exit", "none" or a regular expression. Errors (usage): a regex that does not compile, quoted.
Result<AckRule> ParseAck(const std::string& text);

/// What --ack and --ack-fd mean together: a descriptor without a regex means each of its lines.
/// `given`: --ack was given. `fd` -1: --ack-fd was not.
Result<AckRule> ParseAck(const std::string& text, bool given, int fd);

/// One acknowledgement: what was promised is what the page cache showed after `point` ops.
struct Ack {
  uint32_t point = 0;
  std::string said;  ///< the line, or "exited 0"
};

/// All acknowledgements of the run, earliest first.
std::vector<Ack> FindAcks(const Trace& trace, const AckRule& rule);

struct Version {
  uint32_t point = 0;  ///< published by op point - 1; 0 for old
  Digest key;
};

struct VersionHistory {
  /// old first; in order of publication. The last value (new) is always in it
  std::vector<Version> versions;
  std::vector<Ack> acks;
  std::vector<Digest> promised;  ///< key of the page cache's view at each ack
  /// trees to compare with: before the run, and as the page cache had it at the end
  FileTree old_view;
  FileTree new_view;
};

/// With Value::kCombination versions are told apart by their attributes too, for oracle `attrs`.
VersionHistory TraceVersions(const Trace& trace, const Subject& subject, const AckRule& rule,
                             Value value = Value::kContent);

/// True when some call of the run changed a mode, an owner, an ACL or an extended attribute. If
/// none did, no state can have attributes that do not belong to its content.
bool ChangesAttributes(const Trace& trace);

}  // namespace oldornew
