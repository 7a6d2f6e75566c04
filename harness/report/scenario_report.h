// Scenario report: what a run over many scenarios came to, in the formats of single checks and as a
// table.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "check/verdict.h"
#include "finding/finding.h"

namespace oldornew {

/// One scenario and what became of it.
struct ScenarioRun {
  enum class State : uint8_t { kAsExpected, kDiffers, kSkipped };
  State state = State::kAsExpected;
  std::string name;
  std::string file;
  std::vector<std::string> command;
  std::string skipped;                   ///< kSkipped: the reason
  std::vector<std::string> differences;  ///< kDiffers: one sentence each
  Judgement judgement;                   ///< not for kSkipped, as is all that follows
  std::vector<Finding> findings;
  std::vector<std::string> profiles;  ///< that were explored
  std::string bundles;                ///< folder with the bundles of its findings; empty: not kept
  double seconds = 0;
};

struct ScenarioSummary {
  std::vector<ScenarioRun> runs;
  double seconds = 0;
};

/// 0 when all are as expected or skipped, else the most serious of what differs, in the order of
/// oracles.md 17.
ExitCode ScenarioExitCode(const ScenarioSummary& summary);

/// One line for people; with differences below it.
std::string ScenarioLine(const ScenarioRun& run, bool colour);
/// The last line.
std::string ScenarioTotals(const ScenarioSummary& summary);

std::string ScenarioJson(const ScenarioSummary& summary);
std::string ScenarioJunit(const ScenarioSummary& summary);
/// A Markdown table: program x profile x oracle, with what the power cut leaves in each cell.
std::string ScenarioTable(const ScenarioSummary& summary);

}  // namespace oldornew
