// Name set: names that undisturbed runs are known to find, leave or change. Names with random parts
// are known by their patterns (oracles.md 7, "RunToRunDifferences").
#pragma once

#include <functional>
#include <set>
#include <string>

#include "trace/trace.h"

namespace oldornew {

/// The name of a path of that run as it is in every run.
using NamePattern = std::function<std::string(const Trace& trace, const std::string& path)>;

class NameSet {
 public:
  /// Everything that `pattern` refers to must outlive this.
  explicit NameSet(NamePattern pattern) : pattern_(std::move(pattern)) {}

  /// Every path that is there before or after the run.
  void LearnThere(const Trace& trace);
  /// Every path that a call of the run makes or changes, also when nothing of it is left.
  void LearnTouched(const Trace& trace);
  /// Every path that is another after the run (ChangedPaths).
  void LearnChanged(const Trace& trace);

  /// The path of `trace` has a known name.
  bool Has(const Trace& trace, const std::string& path) const;
  /// The path is, or lies below, one of the learned paths that `holds`, if given, agrees to.
  bool Covers(const std::string& path,
              const std::function<bool(const std::string& top)>& holds = {}) const;

 private:
  void Learn(const Trace& trace, const std::string& path);

  NamePattern pattern_;
  std::set<std::string> paths_;  ///< as they were learned
  std::set<std::string> patterns_;
};

}  // namespace oldornew
