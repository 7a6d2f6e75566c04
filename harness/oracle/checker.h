// Checker: the user's own command, --view or --check, asked of one state at a time (oracles.md 3).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tree/file_tree.h"

namespace oldornew {

/// What the command says of one state that was made real.
struct CheckerAnswer {
  int exit_status = 0;
  std::string output;
};

/// What the command may want to know in addition to the tree (oracles.md 2): OLDORNEW_ACKED and
/// OLDORNEW_STDOUT.
struct CheckerContext {
  uint32_t acked = 0;   ///< acknowledgements given before the crash
  std::string printed;  ///< standard output up to then
};

using Checker =
    std::function<Result<CheckerAnswer>(const FileTree& state, const CheckerContext& context)>;

/// The commands of one sandbox, used by one thread at a time. Either may be empty.
struct CheckerSet {
  Checker view;
  Checker check;
};

/// Sets that do the same: so many states are asked about side by side. Empty: there is no command.
using CheckerPool = std::vector<CheckerSet>;

/// The tree without files that match `globs`: as --view and --check see it.
FileTree WithoutVolatile(const FileTree& tree, const std::vector<std::string>& globs);

/// The answer as one text: what it printed, with the exit status unless that is 0.
std::string ShowAnswer(const CheckerAnswer& answer);

}  // namespace oldornew
