// Collector: gathers violations into findings, one for each (subject, oracle), and keeps the best
// case to show.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "finding/finding.h"
#include "model/history.h"
#include "oracle/state_judge.h"
#include "search/search.h"

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
CaseSize SizeOf(const Trace& trace, Oracle oracle, const CrashState& state);

class Collector {
 public:
  /// `history` is of the trace and of the grain of `space`; all must outlive this, and so must the
  /// judges that are named, until Take.
  Collector(const History& history, const Question& question, const SearchSpace& space)
      : model_(history), trace_(history.trace()), question_(question), space_(space) {}

  void Add(const StateJudge& judge, const Violation& violation, const CrashState& state,
           const Profile& profile, bool pedantic);

  /// All findings with their case described, by subject.
  std::vector<Finding> Take();

 private:
  // Smaller is better: asked-for before pedantic, mainstream before others, then the smaller case.
  using Rank = std::tuple<bool, bool, CaseSize>;
  struct Entry {
    Finding finding;
    Rank rank;
    int ack = -1;
    const StateJudge* judge = nullptr;
    const Profile* profile = nullptr;
    std::string choice;
  };

  void Finish(Entry* entry);

  const History& model_;
  const Trace& trace_;
  const Question& question_;
  const SearchSpace& space_;
  std::map<std::pair<std::string, Oracle>, Entry> entries_;
};

/// Adds one exploration to result->coverage; states_distinct is left to the caller. A profile that
/// is only a hint (pedantic) and could not be explored to the end gives a note: what was asked for
/// is exhaustive all the same.
void AddCoverage(const Coverage& coverage, const Profile& profile, bool pedantic,
                 SearchResult* result);

}  // namespace oldornew
