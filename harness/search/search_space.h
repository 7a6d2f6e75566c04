// Search space: how far power cuts are explored: under which profiles, how finely, how many states.
#pragma once

#include <string>
#include <vector>

#include "model/crash_states.h"
#include "model/profile.h"

namespace oldornew {

struct SearchSpace {
  ProfileTable table = ProfileTable::BuiltIn();  ///< owns the rows below
  std::vector<const Profile*> profiles;          ///< findings in these count
  std::vector<const Profile*> pedantic;  ///< explored too; findings only here are marked pedantic
  Limits limits;

  /// Both, those that were asked for first.
  struct Row {
    const Profile* profile = nullptr;
    bool pedantic = false;
  };
  std::vector<Row> Rows() const {
    std::vector<Row> out;
    for (const Profile* profile : profiles) out.push_back({profile, false});
    for (const Profile* profile : pedantic) out.push_back({profile, true});
    return out;
  }
};

}  // namespace oldornew
