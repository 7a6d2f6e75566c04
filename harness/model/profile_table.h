// The built-in rows as they are written down: persistence-model.md 7.4, completed by 7.6.18.
#pragma once

#include <vector>

#include "model/profile.h"

namespace oldornew {

const std::vector<RowSpec>& BuiltInRows();

}  // namespace oldornew
