// Power: the machine loses power at any moment of the recorded run. Nothing is run again: the
// states of the disk are computed (model/crash_states.h) and judged.
#pragma once

#include <memory>

#include "explorers/explorer.h"

namespace oldornew {

std::unique_ptr<Explorer> MakePowerExplorer();

}  // namespace oldornew
