// Axes: the one table of what can happen to a program. Options, JSON names, keys of scenarios and
// baselines, and the words of puzzles all come from its rows.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "check/plan.h"
#include "explorers/explorer.h"

namespace oldornew {

/// When an axis is explored.
enum class AxisUse : uint8_t {
  kAlways,     ///< it costs nothing and has no option
  kByDefault,  ///< unless --only names others or --no-NAME is given
  kOnRequest,  ///< only when --only names it
  kByOption,   ///< only when an option of its own asks for it; --only does not know it
};

/// Whether an axis runs the command again.
enum class AxisRuns : uint8_t {
  kNever,   ///< everything is computed from the recording
  kIfAble,  ///< part of it is; the rest is left out of a saved trace or a log
  kNeeds,   ///< cannot be explored of a saved trace or a log
};

struct Axis {
  std::string name;  ///< "faults": in --only, in JSON, in [expect] and in baselines
  AxisUse use = AxisUse::kByDefault;
  AxisRuns runs = AxisRuns::kNever;
  std::string without;  ///< help text of --no-NAME
  std::function<std::unique_ptr<Explorer>(const CheckPlan& plan)> make;
};

class AxisTable {
 public:
  /// Rows are explored in the order of the table: what one takes from others stands after them.
  explicit AxisTable(std::vector<Axis> rows) : rows_(std::move(rows)) {}
  static const AxisTable& BuiltIn();

  const std::vector<Axis>& rows() const { return rows_; }
  /// Null: there is no such axis.
  const Axis* Find(const std::string& name) const;
  /// True when outcomes list this name in the place of a profile: of all axes but power and run.
  bool IsKey(const std::string& name) const;
  /// The axes that --only takes, in the table's order.
  std::vector<std::string> Choosable() const;
  /// What is explored when nobody chooses.
  std::set<std::string> Defaults() const;
  /// Errors (usage): a name that --only does not take, with those it does.
  Result<std::string> ParseChoice(const std::string& name) const;
  /// "power, kill": in the table's order.
  std::string Names(const std::set<std::string>& axes) const;

 private:
  std::vector<Axis> rows_;
};

}  // namespace oldornew
