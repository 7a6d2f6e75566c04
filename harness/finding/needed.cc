#include "finding/needed.h"

#include <algorithm>
#include <set>

#include "finding/subject_judge.h"

namespace oldornew {

namespace {

constexpr size_t kMostEffects = 200;
constexpr size_t kMostWork = 2'000'000;  // Calls applied in all.

class Rebuilder {
 public:
  Rebuilder(const Trace& trace, const Subject& subject, const SearchOptions& options,
            const Finding& finding)
      : trace_(trace),
        judge_(trace, subject, options.ack, finding.oracle),
        oracle_(finding.oracle),
        point_(finding.oracle == Oracle::kDurable ? finding.last_point : finding.first_point) {}

  // Does the run up to the crash, without these ops, violate the oracle of the finding?
  bool Fails(const std::set<uint32_t>& lost) const {
    LiveTree live(trace_);
    for (uint32_t i = 0; i < point_ && i < trace_.ops.size(); ++i) {
      if (!lost.contains(i)) live.Apply(trace_.ops[i]);
    }
    const auto violation = judge_.Judge(live.tree(), point_);
    return violation && violation->oracle == oracle_;
  }

 private:
  const Trace& trace_;
  SubjectJudge judge_;
  Oracle oracle_;
  uint32_t point_;
};

}  // namespace

void MarkNeeded(const Trace& trace, const Subject& subject, const SearchOptions& options,
                Finding* finding) {
  finding->needed.clear();
  const auto& lost = finding->lost;
  if (lost.empty() || lost.size() > kMostEffects || lost.size() * trace.ops.size() > kMostWork)
    return;
  std::set<uint32_t> all;
  for (const Effect& effect : lost) {
    if (effect.extent != Effect::Extent::kWhole) return;
    all.insert(effect.op);
  }
  const Rebuilder rebuilder(trace, subject, options, *finding);
  // The state is no plain sum of calls: delayed sizes, zeroed blocks.
  if (!rebuilder.Fails(all)) return;
  for (const Effect& effect : lost) {
    std::set<uint32_t> fewer = all;
    fewer.erase(effect.op);
    finding->needed.push_back(!rebuilder.Fails(fewer));
  }
}

}  // namespace oldornew
