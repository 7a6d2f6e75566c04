#include "explorers/power/power.h"

#include "oracle/contained.h"
#include "search/search.h"

namespace oldornew {

namespace {

class PowerExplorer final : public Explorer {
 public:
  Result<Exploration> Explore(const Given& given) override {
    ASSIGN_OR_RETURN(SearchResult found, SearchPowerCuts(given.judged, given.question, given.space,
                                                         static_cast<int>(given.lab.jobs())));
    Exploration out;
    out.findings = std::move(found.findings);
    out.notes = std::move(found.notes);
    out.cases = found.coverage.states_visited;
    out.coverage = found.coverage;
    if (const std::string litter = NameLitterAfterCrash(given.plain); !litter.empty())
      out.notes.push_back(fmt::format("a power cut or a kill can leave {} behind", litter));
    return out;
  }
};

}  // namespace

std::unique_ptr<Explorer> MakePowerExplorer() { return std::make_unique<PowerExplorer>(); }

}  // namespace oldornew
