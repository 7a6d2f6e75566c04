#include "finding/axis.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"

namespace oldornew {

namespace {

constexpr const char* kNames[] = {"power", "faults", "kill", "next-run", "vary-old"};
// What --only takes. Other old states are asked for by --vary-old, and never by default.
constexpr size_t kChosen = 4;

}  // namespace

const char* AxisName(Axis axis) { return kNames[static_cast<size_t>(axis)]; }

Result<Axis> ParseAxis(const std::string& name) {
  const auto* end = std::begin(kNames) + kChosen;
  const auto* known = std::find(std::begin(kNames), end, name);
  if (known != end) return static_cast<Axis>(known - std::begin(kNames));
  return FailWith(ExitCode::kUsage, "--only: unknown word {} (known: {})", Quote(name),
                  Join({std::begin(kNames), end}, ", "));
}

bool IsAxisName(const std::string& name) {
  return std::find(std::begin(kNames) + 1, std::end(kNames), name) != std::end(kNames);
}

std::string AxisNames(const std::set<Axis>& axes) {
  std::vector<std::string> names;
  for (const Axis axis : axes) names.emplace_back(AxisName(axis));
  return Join(names, ", ");
}

std::set<Axis> DefaultAxes() { return {Axis::kPower, Axis::kFaults, Axis::kKill, Axis::kNextRun}; }

}  // namespace oldornew
