// Call site: the place in the program where a call was made, as it is the same in every run.
#pragma once

#include <string>

#include "trace/trace.h"

namespace oldornew {

/// The module of the process that held the address, or null.
const Module* ModuleAt(const Process& process, uint64_t address);

/// Where in the program the op was made, the same in every run: modules and offsets of its call
/// stack, digested. Empty when the op has no stack.
std::string SiteOf(const Trace& trace, const Op& op);

}  // namespace oldornew
