// Litter (oracles.md 11, "Litter"): what a run leaves behind that belongs to nobody; and what of it
// more people can read than they should (oracles.md 13, "Private").
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "oracle/ended_run.h"
#include "oracle/plain_ends.h"

namespace oldornew {

/// What counts as litter depends a little on who asks.
struct LitterRule {
  /// The path, as people read it, belongs to somebody: an undisturbed run finds or leaves it, ...
  std::function<bool(const std::string& path)> is_known;
  bool temporary_roots = true;  ///< private temporary directories and --also-dir count as well
  bool caches = false;          ///< compiled caches count as well
  /// What is in a known directory, and is not known itself, is litter. Else it belongs to whom the
  /// directory belongs to.
  bool inside_known = true;
};

/// Rule 11 Litter: what the run left, did not find, and what is not known. Of a directory only the
/// directory, not what is in it. In the order of FileTree::Walk.
std::vector<Place> FindLitter(const Trace& trace, const LitterRule& rule);

/// Rule 11 Litter, "had no chance": what failed is the removal of `path`, or the program was told
/// that it has not made it.
bool RemovalWasHit(const EndedRun& run, const std::string& path);

/// Rule 11 Litter: `path` is the old version of a watched path, or of a directory with some in it,
/// and readers do not find that version at its place any more. A failed run that keeps it does
/// well.
bool KeepsTheOld(const Trace& trace, const std::string& path,
                 const std::vector<WatchedEnd>& watched);

/// Rule 13 Private: the watched file whose new content, or the beginning of it, a left-over file
/// holds.
struct Leak {
  std::string of;        ///< the watched path
  bool exposed = false;  ///< everyone can read it where it is left, and nowhere else
};
std::optional<Leak> FindLeak(const Trace& trace, const Place& left, const PlainEnds& ends);

}  // namespace oldornew
