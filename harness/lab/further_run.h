// A further run: the command run again under other circumstances than the recorded one.
#pragma once

#include <string>

#include "trace/trace.h"

namespace oldornew {

struct FurtherRun {
  enum class End : uint8_t { kAsPlain, kFails, kFindings, kNotJudged };
  std::string id;     ///< for tokens
  std::string title;  ///< "with an empty config.toml"
  Trace trace;
  End end = End::kAsPlain;
  std::string said;  ///< kFails: what it said; kNotJudged: why
};

}  // namespace oldornew
