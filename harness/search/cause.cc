#include "search/cause.h"

#include <algorithm>
#include <map>

#include "cases/call_site.h"

namespace oldornew {

namespace {

bool IsDirectory(const Trace& trace, ObjectId object) {
  return trace.objects[static_cast<size_t>(object)].kind == FileKind::kDirectory;
}

// What two repairs must have in common to be the same line of the program.
std::string KeyOf(const Trace& trace, const Finding& finding) {
  std::vector<std::string> parts;
  for (const RepairStep& step : finding.repair.steps) {
    const std::string site = SiteOf(trace, trace.ops[step.after]);
    const bool directory = IsDirectory(trace, step.object);
    parts.push_back(directory || site.empty() ? fmt::format("object {}", step.object)
                                              : "file " + site);
  }
  std::sort(parts.begin(), parts.end());
  std::string key = fmt::format("{} {} ", OracleName(finding.oracle), finding.pedantic);
  for (const std::string& part : parts) key += part + " ";
  return key;
}

// The steps of `finding` with each sync of a directory as late as `other` has it.
std::vector<RepairStep> Latest(const Trace& trace, const Finding& finding, const Finding& other) {
  std::vector<RepairStep> out = finding.repair.steps;
  for (RepairStep& step : out) {
    if (!IsDirectory(trace, step.object)) continue;
    for (const RepairStep& theirs : other.repair.steps) {
      if (theirs.object == step.object && theirs.after > step.after) step = theirs;
    }
  }
  return out;
}

bool SamePlaces(const std::vector<RepairStep>& a, const std::vector<RepairStep>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const RepairStep& x, const RepairStep& y) {
                      return x.object == y.object && x.after == y.after;
                    });
}

void Join(const Trace& trace, Finding other, std::vector<RepairStep> steps, Finding* finding) {
  for (auto& [outcome, profiles] : other.outcomes) {
    auto& mine = finding->outcomes[outcome];
    mine.insert(mine.end(), profiles.begin(), profiles.end());
    mine = InTableOrder(std::move(mine));
  }
  finding->profiles.insert(finding->profiles.end(), other.profiles.begin(), other.profiles.end());
  finding->profiles = InTableOrder(std::move(finding->profiles));
  for (FindingSubject& subject : other.subjects) finding->subjects.push_back(std::move(subject));
  if (!SamePlaces(finding->repair.steps, steps)) SetRepair(trace, &steps, finding);
}

}  // namespace

std::vector<Finding> JoinByCause(const Trace& trace, std::vector<Finding> findings,
                                 const TestFor& test_for) {
  std::vector<Finding> out;
  std::map<std::string, size_t> first;  // key -> place in out
  for (Finding& finding : findings) {
    const auto known =
        finding.repair.steps.empty() ? first.end() : first.find(KeyOf(trace, finding));
    if (known == first.end()) {
      if (!finding.repair.steps.empty()) first.emplace(KeyOf(trace, finding), out.size());
      out.push_back(std::move(finding));
      continue;
    }
    Finding& mine = out[known->second];
    // Directories are synced once, after the last of all the changes in them: if that cures each of
    // them.
    std::vector<RepairStep> merged = Latest(trace, mine, finding);
    std::vector<RepairStep> theirs = Latest(trace, finding, mine);
    const auto cures = [&](const Finding& which, const std::vector<RepairStep>& steps) {
      if (SamePlaces(which.repair.steps, steps)) return true;
      const RepairTest test = test_for(which);
      return test && test(WithSteps(trace, steps));
    };
    if (!cures(mine, merged) || !cures(finding, theirs)) {
      out.push_back(std::move(finding));
      continue;
    }
    Join(trace, std::move(finding), std::move(merged), &mine);
  }
  return out;
}

}  // namespace oldornew
