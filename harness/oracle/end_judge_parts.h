// What the parts of the fault judge share.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>

#include "base/text.h"
#include "cases/call_kind.h"
#include "cases/file_call.h"
#include "oracle/end_state.h"
#include "trace/trace.h"

namespace oldornew {

/// Files that every program may fail to write: they only save work.
inline constexpr const char* kCaches[] = {"*.pyc", "__pycache__"};

inline bool IsCache(const std::string& path) {
  return std::any_of(std::begin(kCaches), std::end(kCaches),
                     [&](const char* glob) { return GlobMatches(glob, path); });
}

inline bool IsOrBelow(const std::string& path, const std::string& top) {
  return path == top || path.starts_with(top + "/");
}

/// "exits 1 and says ...".
inline std::string HowItEnded(const Trace& trace) {
  return fmt::format("exits {} and says {}", trace.exit_status, FirstWords(trace));
}

/// Carried out, and told that it was not.
inline bool WasDone(const Trace& trace, const FileCall& hit) {
  const size_t number = OpNumberOf(trace, hit);
  return number > 0 && trace.ops[number - 1].told != 0;
}

}  // namespace oldornew
