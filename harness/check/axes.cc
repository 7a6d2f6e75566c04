#include "check/axes.h"

#include <algorithm>

#include "base/text.h"
#include "explorers/moments/moments.h"
#include "explorers/old_states/old_states.h"
#include "explorers/power/power.h"

namespace oldornew {

// A new axis is a folder in explorers/ and a row here. Next runs start from what faults and kills
// left behind, so they come after them; faults and old states are held against what power cuts do
// to the plain run.
const AxisTable& AxisTable::BuiltIn() {
  static const AxisTable table({
      {Finding::kRunAxis, AxisUse::kAlways, AxisRuns::kNever, "",
       [](const CheckPlan&) { return MakeMomentsExplorer(); }},
      {Finding::kPowerAxis, AxisUse::kByDefault, AxisRuns::kNever, "power cuts are not explored",
       [](const CheckPlan&) { return MakePowerExplorer(); }},
      {"faults", AxisUse::kByDefault, AxisRuns::kNeeds, "no call is made to fail",
       [](const CheckPlan& plan) { return MakeFaultExplorer(plan.faults); }},
      {"vary-old", AxisUse::kByOption, AxisRuns::kNeeds, "",
       [](const CheckPlan&) { return MakeOldStatesExplorer(); }},
      {"kill", AxisUse::kByDefault, AxisRuns::kIfAble, "no process is killed",
       [](const CheckPlan& plan) { return MakeKillExplorer(plan.kill); }},
      {"next-run", AxisUse::kByDefault, AxisRuns::kNeeds,
       "the command is not run again from what faults and kills leave",
       [](const CheckPlan& plan) { return MakeNextRunExplorer(plan.next_run); }},
  });
  return table;
}

const Axis* AxisTable::Find(const std::string& name) const {
  const auto found =
      std::find_if(rows_.begin(), rows_.end(), [&](const Axis& axis) { return axis.name == name; });
  return found == rows_.end() ? nullptr : &*found;
}

bool AxisTable::IsKey(const std::string& name) const {
  return Find(name) != nullptr && name != Finding::kPowerAxis && name != Finding::kRunAxis;
}

std::vector<std::string> AxisTable::Choosable() const {
  std::vector<std::string> out;
  for (const Axis& axis : rows_) {
    if (axis.use == AxisUse::kByDefault || axis.use == AxisUse::kOnRequest)
      out.push_back(axis.name);
  }
  return out;
}

std::set<std::string> AxisTable::Defaults() const {
  std::set<std::string> out;
  for (const Axis& axis : rows_) {
    if (axis.use == AxisUse::kByDefault) out.insert(axis.name);
  }
  return out;
}

Result<std::string> AxisTable::ParseChoice(const std::string& name) const {
  const std::vector<std::string> known = Choosable();
  if (std::find(known.begin(), known.end(), name) != known.end()) return name;
  return FailWith(ExitCode::kUsage, "--only: unknown word {} (known: {})", Quote(name),
                  Join(known, ", "));
}

std::string AxisTable::Names(const std::set<std::string>& axes) const {
  std::vector<std::string> names;
  for (const Axis& axis : rows_) {
    if (axes.contains(axis.name)) names.push_back(axis.name);
  }
  return Join(names, ", ");
}

}  // namespace oldornew
