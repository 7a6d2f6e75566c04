// Source: a return address of the recorded program in words a developer can go to.
#pragma once

#include <string>
#include <vector>

#include "trace/trace.h"

namespace oldornew {

/// Where the program made this call: the innermost frame outside the C library. With debug
/// information "writer.c:42 (save)", with symbols "writer: save+0x8c", else "writer+0x1a2c (no
/// debug information)". Files are read on this machine: what is not there, or is another build,
/// gives the plain form. Empty when the op has no stack.
std::string DescribeSource(const Trace& trace, const Op& op);

/// DescribeSource of op number `op`, or the program that made it when nothing better is known.
std::string SourceOrProgram(const Trace& trace, uint32_t op);

/// All frames of the call stack outside the C library, innermost first, each as DescribeSource
/// shows it; at most `most`.
std::vector<std::string> DescribeStack(const Trace& trace, const Op& op, size_t most = 12);

}  // namespace oldornew
