// Judged directories: the ones that a sandbox copies, resolved and checked before anything is made.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "run/sandbox_spec.h"

namespace oldornew {

struct JudgedDirectories {
  std::string caller;                  ///< the current directory of this process
  std::vector<std::string> originals;  ///< SandboxSpec::directory first; no symlinks in them

  /// True when `path` is in one of them.
  bool Hold(const std::string& path) const;
};

/// Errors: kUsage for a directory that cannot be judged ("/", /proc, not a directory, overlapping).
Result<JudgedDirectories> ResolveJudged(const SandboxSpec& spec);

}  // namespace oldornew
