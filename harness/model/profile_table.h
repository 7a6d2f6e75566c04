// The built-in rows as they are written down in docs/model.md, section 7.
#pragma once

#include <vector>

#include "model/profile.h"

namespace oldornew {

const std::vector<RowSpec>& BuiltInRows();

}  // namespace oldornew
