#include "explorers/faults/fault_findings.h"

#include <algorithm>

#include "base/text.h"
#include "finding/builder.h"
#include "lab/run_words.h"

namespace oldornew {

namespace {

// Ways to the same end that are named.
constexpr size_t kMostWays = 4;
constexpr size_t kMostPaths = 4;  // each with a finding of its own

// Whichever call fails, one and the same thing is not done afterwards.
bool OneForAllCalls(const EndViolation& violation) {
  return violation.any_call || violation.outcome == Outcome::kLitter;
}

// A call whose failing spoils hundreds of paths is one cause all the same: the first path is shown,
// the others are its subjects (oracles.md 15).
std::vector<Finding> JoinManyPaths(std::vector<Finding> findings) {
  using Key = std::tuple<Oracle, std::string, std::string>;
  const auto key_of = [](const Finding& finding) {
    std::string outcomes;
    for (const auto& [outcome, profiles] : finding.outcomes) outcomes += OutcomeName(outcome);
    return Key(finding.oracle, finding.cause, outcomes);
  };
  std::map<Key, size_t> counts;
  for (const Finding& finding : findings) ++counts[key_of(finding)];

  std::map<Key, size_t> first;
  std::vector<Finding> out;
  for (Finding& finding : findings) {
    const Key key = key_of(finding);
    const bool alone = finding.cause.empty() || counts.at(key) <= kMostPaths;
    const auto known = first.find(key);
    if (alone || known == first.end()) {
      if (!alone) {
        first.emplace(key, out.size());
        finding.message +=
            fmt::format("; the same happens to {}", Count(counts.at(key) - 1, "other path"));
      }
      out.push_back(std::move(finding));
      continue;
    }
    Finding& shown = out[known->second];
    shown.severity = std::min(shown.severity, finding.severity);
    shown.subjects.push_back(std::move(finding.subjects.front()));
  }
  return out;
}

}  // namespace

bool FaultFindings::Add(const PathPatterns& patterns, const FaultScene& scene,
                        EndViolation violation) {
  const FileCall& failed = *scene.failed_call;
  const std::string cause = fmt::format("{} {}", failed.call, patterns.Of(failed.path));
  const Key key(violation.oracle, patterns.Of(violation.path),
                OneForAllCalls(violation) ? "" : cause);
  const Way way{scene.call,
                fmt::format("{} {}", OpNumberOf(*scene.trace, failed), cause),
                violation.outcome,
                {}};

  auto [found, fresh] = groups_.try_emplace(key);
  Group& group = found->second;
  if (fresh) {
    group.run = scene.run;
    group.source = SourceOf(*scene.trace, failed);
    group.cause = OneForAllCalls(violation) ? "" : cause;
    group.again = scene.again;
    group.violation = std::move(violation);
    order_.push_back(key);
  } else {
    group.violation.severity = std::min(group.violation.severity, violation.severity);
  }

  group.injected.push_back(scene.injected);
  const auto same = [&](const Way& w) { return w.calls == way.calls && w.outcome == way.outcome; };
  auto at = std::find_if(group.ways.begin(), group.ways.end(), same);
  if (at == group.ways.end()) at = group.ways.insert(at, way);
  if (std::find(at->faults.begin(), at->faults.end(), scene.fault) == at->faults.end())
    at->faults.push_back(scene.fault);
  return fresh;
}

// "ENOSPC, EIO at 2 write(f.tmp); a short count at 4 write(f.tmp), where it can be TRUNCATED".
std::string FaultFindings::Ways(const Group& group) {
  std::vector<std::string> out;
  for (const Way& way : group.ways) {
    if (out.size() == kMostWays) {
      out.push_back(fmt::format("{} more", group.ways.size() - kMostWays));
      break;
    }
    out.push_back(fmt::format("{} at {}", Join(way.faults, ", "), way.call));
    if (way.outcome != group.violation.outcome)
      out.back() += fmt::format(", where it can {}", OutcomePhrase(way.outcome));
  }
  return Join(out, "; ");
}

std::vector<Finding> FaultFindings::Take(const PathPatterns& patterns,
                                         const std::vector<FurtherRun>& runs) const {
  std::vector<Finding> out;
  for (const Key& key : order_) {
    const Group& group = groups_.at(key);
    out.push_back(FindingOf(patterns, group, runs[group.run]));
  }
  return JoinManyPaths(std::move(out));
}

Finding FaultFindings::FindingOf(const PathPatterns& patterns, const Group& group,
                                 const FurtherRun& run) const {
  const EndViolation& violation = group.violation;
  FindingBuilder builder(run.trace, "faults", violation.oracle, violation.outcome);
  for (const Way& way : group.ways) builder.Also(way.outcome);
  return builder.Severe(violation.severity)
      .At(violation.path)
      .StablePath(patterns.Of(violation.path))
      .Case(CaseOf(run.trace, EndOfRun{run.id}))
      .Message(fmt::format("{}: after {}", violation.message, Ways(group)))
      .Evidence(violation.evidence)
      .Source(group.source)
      .Cause(group.cause)
      .Injected(group.injected)
      .Run(group.run, run.title)
      .Again(group.again)
      .Build();
}

}  // namespace oldornew
