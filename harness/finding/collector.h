// Collector: gathers violations into findings, one for each (subject, oracle), and keeps the best case to
// show.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "finding/finding.h"
#include "finding/search.h"

namespace oldornew {

class Collector {
 public:
  Collector(const Trace& trace, const SearchOptions& options) : trace_(trace), options_(options) {}

  /// From here on violations are of this subject. `history` must outlive the collector's Take; null for
  /// probes.
  void StartSubject(const Subject& subject, const VersionHistory* history, const Projection& projection);

  void Add(const Violation& violation, const CrashState& state, const Profile& profile, bool pedantic);

  /// All findings, described, in the order of the report. `profiles_explored` counts the rows that were asked
  /// for.
  std::vector<Finding> Take();

 private:
  // Smaller is better: asked-for before pedantic, mainstream before others, small deviations first.
  using Rank = std::tuple<bool, bool, uint32_t, uint32_t>;
  struct Entry {
    Finding finding;
    Rank rank;
    int ack = -1;
    const VersionHistory* history = nullptr;
    Projection projection;
    const Profile* profile = nullptr;
    std::string choice;
  };

  void Finish(Entry* entry);

  const Trace& trace_;
  const SearchOptions& options_;
  const Subject* subject_ = nullptr;
  const VersionHistory* history_ = nullptr;
  Projection projection_;
  std::map<std::pair<std::string, Oracle>, Entry> entries_;
};

/// Adds one exploration to result->coverage; states_distinct is left to the caller. A profile that is only a
/// hint (pedantic) and could not be explored to the end gives a note: what was asked for is exhaustive all
/// the same.
void AddCoverage(const Coverage& coverage, const Profile& profile, bool pedantic, SearchResult* result);

/// Place of a profile in the order of exploration, for stable lists.
std::vector<std::string> InTableOrder(std::vector<std::string> names);

}  // namespace oldornew
