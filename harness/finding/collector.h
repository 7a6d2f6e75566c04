// Collector: gathers violations into findings, one for each (subject, oracle), and keeps the best
// case to show.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "finding/finding.h"
#include "finding/search.h"
#include "model/history.h"

namespace oldornew {

/// How much a case asks of the reader; the smallest one is shown: fewest lost effects, then the
/// earliest crash, then effects that are lost whole before those lost in part.
struct CaseSize {
  size_t lost = 0;
  uint32_t first_point = 0;
  size_t partly = 0;
  uint32_t deviations = 0;
  auto operator<=>(const CaseSize&) const = default;
};
/// The effects that the oracle asks about (oracles.md 6).
std::vector<Effect> LostThatMatters(const Trace& trace, Oracle oracle, std::vector<Effect> lost);
CaseSize SizeOf(const Trace& trace, Oracle oracle, const CrashState& state);

/// The profiles to explore, in order: those that were asked for, then the pedantic ones.
struct ProfileToExplore {
  const Profile* profile = nullptr;
  bool pedantic = false;
};
std::vector<ProfileToExplore> ProfilesToExplore(const SearchOptions& options);

class Collector {
 public:
  /// `history` is of the trace and of the options' grain; it must outlive this.
  Collector(const History& history, const SearchOptions& options)
      : model_(history), trace_(history.trace()), options_(options) {}

  /// From here on violations are of this subject. `history` must outlive the collector's Take; null
  /// for probes.
  void StartSubject(const Subject& subject, const VersionHistory* history,
                    const Projection& projection);

  void Add(const Violation& violation, const CrashState& state, const Profile& profile,
           bool pedantic);

  /// All findings with their case described (DescribeCase), by subject.
  std::vector<Finding> Take();

 private:
  // Smaller is better: asked-for before pedantic, mainstream before others, then the smaller case.
  using Rank = std::tuple<bool, bool, CaseSize>;
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

  const History& model_;
  const Trace& trace_;
  const SearchOptions& options_;
  const Subject* subject_ = nullptr;
  const VersionHistory* history_ = nullptr;
  Projection projection_;
  std::map<std::pair<std::string, Oracle>, Entry> entries_;
};

/// Adds one exploration to result->coverage; states_distinct is left to the caller. A profile that
/// is only a hint (pedantic) and could not be explored to the end gives a note: what was asked for
/// is exhaustive all the same.
void AddCoverage(const Coverage& coverage, const Profile& profile, bool pedantic,
                 SearchResult* result);

/// Place of a profile in the order of exploration, for stable lists.
std::vector<std::string> InTableOrder(std::vector<std::string> names);

}  // namespace oldornew
