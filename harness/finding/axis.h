// Axis: what can happen to a program, as a check explores it. Each axis gives cases of its own
// kind; a finding says on which one it lies.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/result.h"

namespace oldornew {

enum class Axis : uint8_t {
  kPower,      ///< the machine loses power: states of the disk
  kFaults,     ///< calls fail: errors, short counts, full disks
  kKill,       ///< processes are killed: the page cache survives
  kNextRun,    ///< the command is run again from what was left behind
  kOldStates,  ///< --vary-old: the command meets other old states
};

/// "power", "faults", "kill", "next-run", "vary-old". Where a finding of power cuts lists file
/// system profiles, one of another axis has this name.
const char* AxisName(Axis axis);

/// Errors (usage): not a name that --only takes, with those it does.
Result<Axis> ParseAxis(const std::string& name);

/// True when `name` is the name of an axis other than power, as outcomes list it in place of a
/// profile.
bool IsAxisName(const std::string& name);

/// "power, kill": in their order.
std::string AxisNames(const std::set<Axis>& axes);

/// What a check explores when nobody chooses.
std::set<Axis> DefaultAxes();

}  // namespace oldornew
