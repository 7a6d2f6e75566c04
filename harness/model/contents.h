// Contents: what ordered_contents.h and cell_contents.h find out about one file.
#pragma once

#include <vector>

#include "model/units.h"

namespace oldornew {

struct Contents {
  /// the first is the one of "nothing lost"
  std::vector<SizeChoice> sizes;
  bool complete = true;  ///< false: there are more sizes than are listed
};

}  // namespace oldornew
