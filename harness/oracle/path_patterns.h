// Path patterns: paths as they are the same in every run of the command. What is random in a name,
// or carries the time, is learned from runs side by side, or guessed from its looks
// (finding/finding.h SubjectPattern).
#pragma once

#include <string>
#include <vector>

#include "trace/trace.h"

namespace oldornew {

/// `path`, with what looks random in the names that the run made anew ("sedB3xK9a", "out.31415")
/// replaced by "*". Names that the old tree has are kept as they are.
std::string SubjectPattern(const Trace& trace, const std::string& path);

class PathPatterns {
 public:
  /// Two runs of the same command from the same old state. `plain` must outlive this.
  PathPatterns(const Trace& plain, const Trace& again);

  /// Takes over what differs between two more runs.
  void Learn(const Trace& one, const Trace& other);

  /// A glob for Injection::path: what is random is "*", and characters that globs know are escaped.
  /// The judged directory itself is ".".
  std::string Of(const std::string& path) const;

  /// The same path in every run: Of has nothing random to replace.
  bool IsFixed(const std::string& path) const;

  /// As injections match (interpose/plan.h): of the whole path or its last component, "*" does not
  /// cross "/".
  static bool Matches(const std::string& pattern, const std::string& path);

 private:
  void LearnPair(const std::string& one, const std::string& other);
  std::string Learned(const std::vector<std::string>& names, size_t index) const;

  const Trace& plain_;
  std::vector<std::vector<std::string>> learned_;  ///< paths, a glob for each component
};

}  // namespace oldornew
