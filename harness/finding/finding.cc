#include "finding/finding.h"

#include <algorithm>

#include "model/profile.h"

namespace oldornew {

std::vector<std::string> Under(const Finding& finding, const std::vector<std::string>& profiles) {
  return profiles.empty() ? std::vector<std::string>{finding.axis} : profiles;
}

namespace {

std::string IdOf(const Finding& finding, const std::string& path) {
  Hasher hasher;
  hasher.Add(OracleName(finding.oracle)).Add(path);
  for (const std::string& call : finding.repair.calls) hasher.Add(call);
  if (finding.axis != Finding::kPowerAxis && finding.axis != Finding::kRunAxis)
    hasher.Add(finding.axis).Add(finding.cause);
  return hasher.Finish().Hex().substr(0, 16);
}

}  // namespace

std::string FindingId(const Finding& finding) {
  return IdOf(finding, finding.subjects.front().stable_path);
}

std::vector<std::string> FindingIds(const Finding& finding) {
  std::vector<std::string> out;
  for (const FindingSubject& subject : finding.subjects)
    out.push_back(IdOf(finding, subject.stable_path));
  return out;
}

bool NameBeforeData(const Trace& trace, const Finding& finding) {
  for (const Effect& effect : finding.shown.lost) {
    if (!ChangesData(trace.ops[effect.op].kind)) continue;
    for (const uint32_t named : finding.shown.on_disk) {
      const Op& name = trace.ops[named];
      const bool binds = name.kind == OpKind::kRename || name.kind == OpKind::kLink ||
                         (name.kind == OpKind::kCreate && !name.path2.empty());
      if (binds && named > effect.op) return true;
    }
  }
  return false;
}

void SetRepair(const Trace& trace, const std::vector<RepairStep>* steps, Finding* finding) {
  Repair& repair = finding->repair;
  repair.failed = steps == nullptr;
  repair.steps = steps == nullptr ? std::vector<RepairStep>{} : *steps;

  repair.calls.clear();
  for (const RepairStep& step : repair.steps) {
    const FileKind kind = trace.objects[static_cast<size_t>(step.object)].kind;
    repair.calls.push_back(fmt::format("fsync {}", KindName(kind)));
  }
}

std::vector<std::string> InTableOrder(std::vector<std::string> names) {
  const auto position = [](const std::string& name) {
    const auto& table = Profiles();
    return std::find_if(table.begin(), table.end(),
                        [&](const Profile& p) { return p.name == name; }) -
           table.begin();
  };
  std::sort(names.begin(), names.end(),
            [&](const auto& a, const auto& b) { return position(a) < position(b); });
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

namespace {

// Most oracles ask for bytes, kinds and targets (oracles.md 6): lost modes, owners, attributes and
// times are no part of it. The user's own commands may look at anything.
bool Matters(const Trace& trace, Oracle oracle, const Effect& effect) {
  const OpKind kind = trace.ops[effect.op].kind;
  if (kind == OpKind::kSetTimes) return false;
  return !ChangesAttributes(kind) || oracle == Oracle::kAttrs || oracle == Oracle::kCheck;
}

}  // namespace

std::vector<Effect> LostThatMatters(const Trace& trace, Oracle oracle, std::vector<Effect> lost) {
  std::erase_if(lost, [&](const Effect& effect) { return !Matters(trace, oracle, effect); });
  return lost;
}

}  // namespace oldornew
