// Question: what is asked of a program, the same in every part of a check. Plain data.
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include "base/result.h"
#include "interpose/decode.h"
#include "oracle/oracle.h"
#include "oracle/versions.h"
#include "oracle/watch.h"

namespace oldornew {

struct Question {
  WatchOptions watch;
  AckRule ack;
  std::vector<Oracle> expect = DefaultOracles();
  std::vector<std::string> allowed;  ///< contained: globs of what else may change
  /// --ack REGEX was given, or the scenario expects it (oracles.md 16)
  bool durable_is_error = false;
  std::vector<std::string> volatile_globs{std::begin(kVolatileGlobs), std::end(kVolatileGlobs)};
  std::string view;   ///< --view: shell command; empty: none
  std::string check;  ///< --check: shell command; empty: none

  bool Asks(Oracle oracle) const;
  /// The exit status counts as success.
  bool Succeeded(const Trace& trace) const;
  /// The user's own command judges.
  bool ByCommand() const { return !view.empty() || !check.empty(); }
  /// Paths were named: --watch or --together.
  bool NamesPaths() const { return !watch.watch.empty() || !watch.together.empty(); }
  /// Bytes are judged: always without a command, never under --view, and under --check only where
  /// paths were named.
  bool ByBytes() const { return !ByCommand() || (view.empty() && NamesPaths()); }
};

/// What --watch and the default rule choose (oracles.md 5), without what is volatile. Errors:
/// usage.
Result<std::vector<Subject>> SubjectsToJudge(const Trace& trace, const Question& question);

}  // namespace oldornew
