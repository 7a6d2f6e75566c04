// Old states: the command meets other old states than the one the user happened to have
// (--vary-old). Judged is how each run ends; whether power cuts hurt it more than the plain run is
// asked as well.
#pragma once

#include <memory>

#include "explorers/explorer.h"

namespace oldornew {

std::unique_ptr<Explorer> MakeOldStatesExplorer();

}  // namespace oldornew
