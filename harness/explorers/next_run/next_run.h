// Next run: whatever a kill, a fault or a power cut left behind, the command run again from it must
// behave like a run from the old state or like one from the new state (oracles.md 10, 11). What a
// kill during such a next run leaves is started from once more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "explorers/explorer.h"

namespace oldornew {

struct NextRunOptions {
  /// --recover: the command that is run next; empty: the recorded one
  std::vector<std::string> recover;
  /// --next-run kill: from what a SIGKILL at any moment leaves, whatever else is explored. The
  /// default is to do so where kills are explored, or where nothing else leaves states.
  bool after_kill = false;
  bool after_power_cut = false;  ///< --next-run power: from the crash states of the profiles
  uint64_t most_states = 300;    ///< distinct states to run from; more are a bound
  uint64_t most_again = 24;      ///< of those that kills during next runs leave; more are a note
};

std::unique_ptr<Explorer> MakeNextRunExplorer(NextRunOptions options);

}  // namespace oldornew
