#include "rerun/fault_findings.h"

#include <algorithm>

#include "base/text.h"
#include "explore/case.h"
#include "finding/source.h"
#include "rerun/again.h"

namespace oldornew {

namespace {

// Ways to the same end that are told.
constexpr size_t kMostWays = 4;
constexpr size_t kMostPaths = 4;  // each with a finding of its own

// Whichever call fails, one and the same thing is not done afterwards.
bool OneForAllCalls(const Blame& blame) {
  return blame.any_call || blame.outcome == Outcome::kLitter;
}

std::map<Outcome, std::vector<std::string>> OnAxis(const Finding& finding) {
  std::map<Outcome, std::vector<std::string>> out;
  for (const auto& [outcome, profiles] : finding.outcomes) out[outcome] = {AxisName(Axis::kFaults)};
  return out;
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
    if (finding.cause.empty() || counts.at(key) <= kMostPaths) {
      out.push_back(std::move(finding));
      continue;
    }
    const FindingSubject subject{finding.path, finding.path, OnAxis(finding), finding.token,
                                 finding.stable_path};
    const auto [at, fresh] = first.try_emplace(key, out.size());
    if (fresh) {
      out.push_back(std::move(finding));
      out.back().message +=
          fmt::format("; and so it is with {}", Count(counts.at(key) - 1, "other path"));
    } else {
      out[at->second].severity = std::min(out[at->second].severity, finding.severity);
    }
    out[at->second].subjects.push_back(subject);
  }
  return out;
}

}  // namespace

std::string SourceOf(const Trace& trace, const FileCall& call) {
  std::string source = DescribeSource(trace, OpOf(call));
  const auto process = static_cast<size_t>(call.process);
  if (source.empty() && call.process >= 0 && process < trace.processes.size())
    source = trace.processes[process].program;
  return source;
}

std::string CallText(const Trace& trace, const FileCall& call) {
  const size_t number = OpNumberOf(trace, call);
  return number == 0 ? DescribeShort(call) : fmt::format("{} {}", number, DescribeShort(call));
}

std::string RunIdOf(const std::string& what, const std::vector<std::string>& plan) {
  std::string id = what + ":" + Join(plan, "+");
  std::replace(id.begin(), id.end(), ' ', '_');
  return id;
}

std::string CheckAgain(const std::vector<std::string>& plan,
                       const std::vector<std::string>& command) {
  std::string out = "oldornew check";
  for (const std::string& text : plan) out += " --inject " + ShellQuote(text);
  return out + " -- " + ShellQuote(command);
}

bool FaultFindings::Add(const PathPatterns& patterns, const FaultScene& scene, Blame blame) {
  const FileCall& guilty = *scene.guilty;
  const std::string cause = fmt::format("{} {}", guilty.call, patterns.Of(guilty.path));
  const Key key(blame.oracle, patterns.Of(blame.path), OneForAllCalls(blame) ? "" : cause);
  const Way way{
      scene.call, fmt::format("{} {}", OpNumberOf(*scene.trace, guilty), cause), blame.outcome, {}};
  auto [found, fresh] = groups_.try_emplace(key);
  Group& group = found->second;
  if (fresh) {
    group.run = scene.run;
    group.token = FormatToken(EndCase{scene.id, scene.trace->Identity().Short()});
    group.source = SourceOf(*scene.trace, guilty);
    group.cause = OneForAllCalls(blame) ? "" : cause;
    group.again = scene.again;
    group.blame = std::move(blame);
    order_.push_back(key);
  } else {
    group.blame.severity = std::min(group.blame.severity, blame.severity);
  }
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
    if (way.outcome != group.blame.outcome)
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
  const Blame& blame = group.blame;
  const std::string message = fmt::format("{}: after {}", blame.what, Ways(group));
  Finding finding = EndFinding(blame.oracle, blame.outcome, blame.severity, blame.path, message,
                               run.id, run.trace);
  for (const Way& way : group.ways) finding.outcomes[way.outcome] = {};
  finding.token = group.token;
  finding.stable_path = patterns.Of(blame.path);
  finding.cause = group.cause;
  finding.scene = run.title;
  finding.run = static_cast<int>(group.run);
  finding.source = group.source;
  finding.evidence = blame.evidence;
  finding.again = group.again;
  return finding;
}

}  // namespace oldornew
