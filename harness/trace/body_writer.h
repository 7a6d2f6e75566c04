// BodyWriter: a Trace as the body of a .trace file, before compression.
#pragma once

#include <string>

#include "trace/trace.h"

namespace oldornew {

std::string EncodeBody(const Trace& trace);

}  // namespace oldornew
