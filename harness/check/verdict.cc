#include "check/verdict.h"

#include <algorithm>

#include "base/text.h"

namespace oldornew {

const char* VerdictName(Verdict verdict) {
  static constexpr const char* kNames[] = {
      "unsupported", "incomplete-recording", "baseline-failed", "findings", "bounded", "clean"};
  return kNames[static_cast<size_t>(verdict)];
}

bool HasAnswer(Verdict verdict) {
  return verdict == Verdict::kClean || verdict == Verdict::kFindings ||
         verdict == Verdict::kBounded;
}

bool Fails(const Finding& finding, const VerdictRules& rules) {
  return !finding.pedantic && finding.accepted.empty() &&
         (finding.severity == Severity::kError || rules.strict);
}

Judgement Judge(const JudgedFacts& facts, const VerdictRules& rules) {
  const Trace& trace = *facts.trace;
  Judgement out;
  bool unsupported = false;
  std::vector<std::string> unproven;
  for (const Obstacle& obstacle : trace.obstacles) {
    if (obstacle.kind == Obstacle::Kind::kUnproven) {
      unproven.push_back(obstacle.reason);
      continue;
    }
    unsupported |= obstacle.kind != Obstacle::Kind::kIncomplete;
    out.reasons.push_back(obstacle.reason);
  }
  if (!facts.unsupported->empty()) {
    unsupported = true;
    out.reasons.insert(out.reasons.end(), facts.unsupported->begin(), facts.unsupported->end());
  }
  if (!out.reasons.empty()) {
    out.verdict = unsupported ? Verdict::kUnsupported : Verdict::kIncompleteRecording;
    out.exit_code = ExitCode::kCannotJudge;
    return out;
  }
  if (std::find(rules.ok_exit.begin(), rules.ok_exit.end(), trace.exit_status) ==
      rules.ok_exit.end()) {
    out.verdict = Verdict::kBaselineFailed;
    out.exit_code = ExitCode::kBaselineFailed;
    out.reasons.push_back(fmt::format("the recorded run itself exited with {}", trace.exit_status));
    if (!trace.stderr_bytes.empty())
      out.reasons.push_back("it said: " + Quote(trace.stderr_bytes, 300));
    return out;
  }
  if (facts.findings == nullptr) return out;
  const auto fails = [&](const Finding& finding) { return Fails(finding, rules); };
  if (std::any_of(facts.findings->begin(), facts.findings->end(), fails)) {
    out.verdict = Verdict::kFindings;
    out.exit_code = ExitCode::kFindings;
  } else if (!facts.coverage.exhaustive || !facts.bounds->empty() || !unproven.empty()) {
    out.verdict = Verdict::kBounded;
    out.exit_code = rules.accept_bounded ? ExitCode::kClean : ExitCode::kBounded;
    if (!facts.coverage.exhaustive) {
      out.reasons.push_back(fmt::format(
          "{} of {} combinations were visited: raise --max-states, or narrow with --watch",
          facts.coverage.states_visited, facts.coverage.states_total));
    }
    out.reasons.insert(out.reasons.end(), facts.bounds->begin(), facts.bounds->end());
    out.reasons.insert(out.reasons.end(), unproven.begin(), unproven.end());
  }
  return out;
}

}  // namespace oldornew
