// The .trace file: a versioned binary form of a Trace, described in docs/trace-format.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "trace/trace.h"

namespace oldornew {

/// Version written by this program; it reads exactly this one and names both numbers when a file
/// has another.
inline constexpr uint32_t kTraceFormatVersion = 2;

std::string EncodeTrace(const Trace& trace);

/// Never crashes and never allocates more than the input justifies, whatever the bytes are. Errors
/// (exit code 2) say what is wrong and at which byte: bad magic, unknown version, truncated at byte
/// N, checksum mismatch, index out of range.
Result<Trace> DecodeTrace(std::string_view bytes);

Status WriteTrace(const Trace& trace, const std::string& path);
Result<Trace> ReadTrace(const std::string& path);

}  // namespace oldornew
