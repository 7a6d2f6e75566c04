// Oracle `contained` (oracles.md 14): nothing changes but what is watched and what the user
// allowed.
//
// Compared are the trees before and after the run: bytes, kinds, symlink targets, and the
// attributes of oracle `attrs`. What the program made and removed again is not counted, nor are the
// directories above what is watched, as far as they are new. A call that would have left the judged
// directories was refused before it happened and is an obstacle of the trace.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "oracle/ended_run.h"
#include "oracle/watch.h"
#include "trace/trace.h"

namespace oldornew {

struct Stray {
  std::string path;  ///< as people read it
  /// "made", "removed", "its bytes", "its attributes: mode 0600, before mode 0644", ...
  std::string what;
};

/// In byte order of the paths. `allowed`: globs as of base/text.h GlobMatches, against paths as
/// people read them.
std::vector<Stray> FindStrays(const Trace& trace, const std::vector<Subject>& watched,
                              const std::vector<std::string>& allowed);

/// Rule 14 Contained, of further runs: what the run found below root 0, changed or removed, and is
/// not `meant` to. `gone`: it has removed it.
std::vector<std::string> FindChangedOthers(
    const Trace& trace, const std::function<bool(const std::string& path, bool gone)>& meant);

/// Rule 14 Contained, of further runs: names that the run could not make (EEXIST, because of
/// O_EXCL), and yet removed. They are another's, unless the command is `asked` to replace them: tar
/// removes a file that is in the way of an extracted one.
std::vector<std::string> FindRemovedForeign(
    const EndedRun& run, const std::function<bool(const std::string& path)>& asked);

/// Paths in the judged directories that the run made and removed again, so that a power cut can
/// leave them behind (oracles.md 11), in order of time.
std::vector<std::string> FindLitterAfterCrash(const Trace& trace);

/// These as a note names them: "sedAb3xK9, x.tmp and 2 more". Of names that differ only in what is
/// random, one stands for all. Empty: there are none.
std::string NameLitterAfterCrash(const Trace& trace);

}  // namespace oldornew
