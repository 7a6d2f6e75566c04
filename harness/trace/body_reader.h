// BodyReader: the body of a .trace file becomes a Trace again. The bytes may be anybody's: whatever
// replaying a trace relies on is checked here.
#pragma once

#include <string_view>

#include "base/result.h"
#include "trace/trace.h"

namespace oldornew {

/// Errors (usage): what is wrong, and at which byte of the body.
Result<Trace> DecodeBody(std::string_view body);

}  // namespace oldornew
