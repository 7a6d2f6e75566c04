// Check plan: everything that one check is to do, as a value. The command line, a scenario or a
// program that uses the library makes one; check/check.h carries it out.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "check/verdict.h"
#include "explorers/faults/faults.h"
#include "explorers/kill/kill.h"
#include "explorers/next_run/next_run.h"
#include "import/import.h"
#include "oracle/question.h"
#include "run/record.h"
#include "search/search_space.h"

namespace oldornew {

/// A trace that was recorded earlier.
struct SavedTrace {
  std::string path;
};

struct CheckPlan {
  /// What is judged: a command that is run now, a log of strace, or a saved trace. Only the first
  /// can be run again.
  std::variant<RecordSpec, ImportSpec, SavedTrace> source;
  Question question;
  SearchSpace space;
  /// Space::limits.max_states was given by the user; else the default for the trace is taken.
  bool states_given = false;
  std::set<std::string> axes;  ///< what is explored, by name (check/axes.h)
  /// those that the user asked for by name: it is an error if they cannot be explored
  std::set<std::string> named;
  int jobs = 0;  ///< threads and sandboxes side by side; 0: one for each processor
  KillOptions kill;
  FaultOptions faults;
  NextRunOptions next_run;
  VerdictRules rules;
};

}  // namespace oldornew
