#include "rerun/fault_findings.h"

#include <algorithm>

#include "base/text.h"
#include "explore/case.h"
#include "finding/source.h"
#include "rerun/again.h"

namespace oldornew {

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

bool FaultFindings::Add(const PathPatterns& patterns, const FaultScene& scene, Blame blame) {
  const FileCall& guilty = *scene.guilty;
  const std::string pattern = patterns.Of(guilty.path);
  const std::string site =
      blame.any_call ? "" : fmt::format("{} {} {}", guilty.call, pattern, PlaceOf(*scene.trace, guilty));
  const Key key(blame.oracle, blame.outcome, patterns.Of(blame.path), site);
  const auto add = [](const std::string& text, std::vector<std::string>* list) {
    if (std::find(list->begin(), list->end(), text) == list->end()) list->push_back(text);
  };
  if (const auto found = groups_.find(key); found != groups_.end()) {
    Group& group = found->second;
    group.blame.severity = std::min(group.blame.severity, blame.severity);
    if (blame.any_call && scene.call != group.call) {
      add(scene.call, &group.others);
    } else {
      add(scene.fault, &group.faults);
    }
    return false;
  }
  Group group;
  group.blame = std::move(blame);
  group.run = scene.run;
  group.token = FormatToken(EndCase{scene.id, scene.trace->Identity().Short()});
  group.source = SourceOf(*scene.trace, guilty);
  group.call = scene.call;
  group.cause = fmt::format("{} {}", guilty.call, pattern);
  group.faults = {scene.fault};
  group.again = scene.again;
  order_.push_back(key);
  groups_.emplace(key, std::move(group));
  return true;
}

std::vector<Finding> FaultFindings::Take(const PathPatterns& patterns,
                                         const std::vector<FurtherRun>& runs) const {
  std::vector<Finding> out;
  for (const Key& key : order_) {
    const Group& group = groups_.at(key);
    out.push_back(FindingOf(patterns, group, runs[group.run]));
  }
  return out;
}

Finding FaultFindings::FindingOf(const PathPatterns& patterns, const Group& group,
                                 const FurtherRun& run) const {
  const Blame& blame = group.blame;
  std::string message = fmt::format("{}: after {} at {}", blame.what, Join(group.faults, ", "), group.call);
  if (!group.others.empty()) message += fmt::format(", and the same when {} fails", Join(group.others, ", "));
  Finding finding =
      EndFinding(blame.oracle, blame.outcome, blame.severity, blame.path, message, run.id, run.trace);
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
