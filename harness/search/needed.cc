#include "search/needed.h"

#include <algorithm>
#include <set>

namespace oldornew {

namespace {

constexpr size_t kMostEffects = 200;
constexpr size_t kMostWork = 2'000'000;  // Calls applied in all.

// Does the run up to the crash, without these ops, violate the oracle of the finding?
bool Fails(const Trace& trace, const BytesJudge& judge, const Finding& finding,
           const std::set<uint32_t>& lost) {
  CrashState state;
  state.last_point =
      finding.oracle == Oracle::kDurable ? finding.shown.last_point : finding.shown.first_point;
  LiveTree live(trace);
  for (uint32_t i = 0; i < state.last_point && i < trace.ops.size(); ++i) {
    if (!lost.contains(i)) live.Apply(trace.ops[i]);
  }
  state.tree = live.tree();

  bool fails = false;
  judge.JudgeOne(state, [&](const Violation& violation, const CrashState&) {
    fails |= violation.oracle == finding.oracle;
  });
  return fails;
}

}  // namespace

void MarkNeeded(const Trace& trace, const BytesJudge& judge, Finding* finding) {
  ShownCase& shown = finding->shown;
  shown.needed.clear();
  const auto& lost = shown.lost;
  if (lost.empty() || lost.size() > kMostEffects || lost.size() * trace.ops.size() > kMostWork)
    return;

  std::set<uint32_t> all;
  for (const Effect& effect : lost) {
    if (effect.extent != Effect::Extent::kWhole) return;
    all.insert(effect.op);
  }
  // The state may be no plain sum of calls: delayed sizes, zeroed blocks.
  if (!Fails(trace, judge, *finding, all)) return;

  for (const Effect& effect : lost) {
    std::set<uint32_t> fewer = all;
    fewer.erase(effect.op);
    shown.needed.push_back(!Fails(trace, judge, *finding, fewer));
  }
}

}  // namespace oldornew
