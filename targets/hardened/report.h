// How the driver programs report the result of a hardened update.
#pragma once

#include <cstdio>
#include <cstring>

#include "hardened/update_result.h"

namespace oldornew::hardened {

/// Prints what failed, if anything did. Returns the exit status: 0 done and durable, 1 nothing
/// changed, 3 the new content is live, or may be, but something failed.
inline int ReportResult(const char* program, const UpdateResult& result) {
  if (result.left_behind != 0)
    std::fprintf(stderr, "%s: a file is left behind: %s\n", program,
                 std::strerror(result.left_behind));
  if (result.ok()) return 0;
  const char* meaning = result.committed == Committed::kNo ? "nothing was changed"
                        : result.committed == Committed::kYes
                            ? "the new content is live, but may be lost in a power cut"
                            : "it is not known whether the new content is live";
  std::fprintf(stderr, "%s: %s: %s; %s\n", program, result.step, std::strerror(result.error),
               meaning);
  return result.committed == Committed::kNo ? 1 : 3;
}

}  // namespace oldornew::hardened
