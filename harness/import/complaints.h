// What is wrong with a log: an error in one of its lines, which ends the import, and the reasons
// why the run that it tells of cannot be judged.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "interpose/strace_log.h"
#include "trace/trace.h"

namespace oldornew::replay {

class Complaints {
 public:
  explicit Complaints(const StraceLog& log) : log_(log) {}

  /// The line of this call cannot be understood. Only the first such line is kept.
  void Bad(const StraceCall& call, const std::string& what);

  /// Each reason is kept once.
  void Obstruct(Obstacle::Kind kind, const std::string& reason);

  /// An obstacle of kind kIncomplete, with the place of the call in the log.
  void Missed(const StraceCall& call, const std::string& what);

  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }
  const std::vector<Obstacle>& obstacles() const { return obstacles_; }

 private:
  const StraceLog& log_;
  std::optional<Error> error_;
  std::vector<Obstacle> obstacles_;
  std::set<std::string> said_;
};

}  // namespace oldornew::replay
