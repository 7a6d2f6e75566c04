// Moments: what is wrong with the recorded run itself, though nothing happens to it: oracles
// `private` and `contained` (oracles.md 13, 14). It holds under every file system.
#pragma once

#include <memory>

#include "explorers/explorer.h"

namespace oldornew {

std::unique_ptr<Explorer> MakeMomentsExplorer();

}  // namespace oldornew
