// ProbeSearch: the search when the user's own command judges: --view (logical old-or-new,
// oracles.md 3) or --check.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "finding/collector.h"
#include "finding/repair.h"
#include "finding/search.h"

namespace oldornew {

/// The tree without files that match `globs`: as --view and --check see it.
FileTree WithoutVolatile(const FileTree& tree, const std::vector<std::string>& globs);

/// The answer as one text: what it printed, with the exit status unless that is 0.
std::string ShowAnswer(const ProbeAnswer& answer);

class ProbeSearch {
 public:
  /// All references must outlive this, `promises` (the acknowledgements) also the collector's Take.
  ProbeSearch(const History& history, const SearchOptions& options, const VersionHistory& promises,
              Collector* collector, SearchResult* result);

  /// Learns what the command says of the versions. Before anything else. Errors: those of RunAll.
  Status Learn();

  /// Adds violations to the collector and coverage and notes to the result. The command sees the
  /// whole judged directory, files that match options.volatile_globs absent; findings name ".", the
  /// judged directory as a whole. One command run for each distinct state; answers are remembered
  /// by state. Errors: kBaselineFailed when --check rejects the old or the new state itself; kUsage
  /// when --view prints something different on the same state.
  Status RunAll();

  /// What the command says of other states: `visit` gets each violation.
  Status JudgeStates(const std::vector<CrashState>& states,
                     const std::function<void(const Violation&, const CrashState&)>& visit);

  /// Whether a repair takes this finding away from those of `profiles` in which it is reachable.
  /// Added syncs only take states away, so that the answers are known already; a state that was not
  /// seen is asked about.
  RepairTest Test(const std::vector<const Profile*>& profiles, const Finding& finding);

 private:
  struct Answers {
    std::string view;
    ProbeAnswer check;
  };
  struct ViewVersion {
    uint32_t point = 0;
    std::string output;
  };

  const Probe& View() const { return options_.probes[0].view; }
  const Probe& Check() const { return options_.probes[0].check; }
  ProbeContext ContextAt(uint32_t point) const;
  Result<ProbeAnswer> Ask(const Probe& probe, const FileTree& tree, uint32_t point) const;
  Status LearnVersions();
  Status CheckEndpoints();
  Digest KeyFor(const CrashState& state, uint32_t point) const;
  Result<Answers> AskBoth(const ProbeSet& probes, const CrashState& state, uint32_t point) const;
  Status AnswerAll(const std::vector<CrashState>& states);
  /// What the answers say of a state after whose crash at most `point` recorded ops had returned.
  std::vector<Violation> Judge(const Answers& answers, uint32_t point) const;
  bool Gone(const RepairedTrace& repaired, const std::vector<const Profile*>& profiles,
            const Finding& finding);

  const History& history_;
  const Trace& trace_;
  const SearchOptions& options_;
  const VersionHistory& promises_;
  Collector* collector_;
  SearchResult* result_;
  const Subject subject_{".", {{0, ""}}, true};
  const Projection everything_{{""}};
  std::vector<ViewVersion> versions_;
  std::unordered_map<Digest, Answers> answers_;
};

}  // namespace oldornew
