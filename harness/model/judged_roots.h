// The judged roots of a trace: the directories that states are asked about.
#pragma once

#include <cstddef>
#include <vector>

#include "model/history.h"
#include "trace/trace.h"

namespace oldornew {

/// Is root number `root` one that is judged?
bool IsJudgedRoot(const Trace& trace, size_t root);

/// Which devices have judged roots, as indices into History::devices(), in that order.
std::vector<size_t> JudgedDevices(const History& history);

/// The roots of the old tree, with their attributes and without entries.
FileTree EmptyRoots(const Trace& trace);

}  // namespace oldornew
