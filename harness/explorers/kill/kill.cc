#include "explorers/kill/kill.h"

#include <algorithm>

#include "base/text.h"
#include "explorers/kill/process_kills.h"
#include "oracle/contained.h"
#include "search/kill_search.h"

namespace oldornew {

namespace {

constexpr const char* kAxis = "kill";

class KillExplorer final : public Explorer {
 public:
  explicit KillExplorer(const KillOptions& options) : options_(options) {}

  Result<Exploration> Explore(const Given& given) override {
    Exploration out;
    ASSIGN_OR_RETURN(KillFindings recorded, SearchKills(given.judged, given.question, kAxis,
                                                        given.space.limits.max_states));
    out.cases = recorded.moments;
    out.words = Count(recorded.moments, "moment") + " of the run";
    if (!recorded.exhaustive)
      out.bounds.emplace_back("not every moment of a kill was judged: raise --max-states");
    const std::string litter = NameLitterAfterCrash(given.plain);
    if (!litter.empty() && !given.earlier.Explored(Finding::kPowerAxis))
      out.notes.push_back(fmt::format("a kill can leave {} behind", litter));

    std::set<std::string> known;
    for (const Finding& finding : recorded.findings) {
      for (const FindingSubject& subject : finding.subjects) known.insert(subject.path);
    }
    out.findings = std::move(recorded.findings);
    if (!given.lab.CanRun()) return out;

    ASSIGN_OR_RETURN(ProcessKills more, KillProcesses(given, options_, known));
    out.cases += more.killed + more.signalled;
    out.words += fmt::format(", one process alone {}, SIGTERM or SIGINT {}",
                             Count(more.killed, "time"), Count(more.signalled, "time"));
    std::move(more.found.findings.begin(), more.found.findings.end(),
              std::back_inserter(out.findings));
    out.runs = std::move(more.found.runs);
    out.notes.insert(out.notes.end(), more.found.notes.begin(), more.found.notes.end());
    out.bounds.insert(out.bounds.end(), more.found.bounds.begin(), more.found.bounds.end());
    return out;
  }

 private:
  KillOptions options_;
};

}  // namespace

std::unique_ptr<Explorer> MakeKillExplorer(const KillOptions& options) {
  return std::make_unique<KillExplorer>(options);
}

}  // namespace oldornew
