// Why: which rule of which file system makes a finding possible, in words for somebody who has
// never thought about what a disk holds. Each reason names its source, a section of
// docs/research/persistence-model.md and the cell of its table.
#pragma once

#include <string>
#include <vector>

#include "finding/finding.h"
#include "model/profile.h"

namespace oldornew {

struct Reason {
  std::vector<std::string> profiles;  ///< in which it holds, in the table's order
  std::string text;                   ///< one or two sentences
  std::string source;                 ///< "persistence-model.md 1.2, 7.4 NEWDATA=zero, L07d"
};

/// One for each different explanation, in the table's order. `row`, if given, stands for the row of
/// its name; rows that are neither it nor built in are left out.
std::vector<Reason> WhyPossible(const Trace& trace, const Finding& finding,
                                const Profile* row = nullptr);

}  // namespace oldornew
