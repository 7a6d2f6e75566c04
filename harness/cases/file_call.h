// File call: what reports and judges need to know of one call of a survey.
#pragma once

#include <string>

#include "trace/trace.h"

namespace oldornew {

/// As an op, to find the place in the program and to describe it.
Op OpOf(const FileCall& call);
/// Where in the program the call was made, the same in every run: the innermost frames. How far a
/// stack can be followed outwards hangs on chance.
std::string PlaceOf(const Trace& trace, const FileCall& call);
/// "write(f.tmp)", "rename(f.tmp → f)".
std::string DescribeShort(const FileCall& call);
/// Number of the op that the file call is, counted from 1 as reports do; 0: it left none.
size_t OpNumberOf(const Trace& trace, const FileCall& call);

}  // namespace oldornew
