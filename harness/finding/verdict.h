// Verdict: the one word for a whole check, and the exit code that goes with it (oracles.md 16, 17).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "finding/search.h"
#include "trace/trace.h"

namespace oldornew {

enum class Verdict : uint8_t {
  kUnsupported,
  kIncompleteRecording,
  kBaselineFailed,
  kFindings,
  kBounded,
  kClean
};

inline constexpr Verdict kAllVerdicts[] = {Verdict::kUnsupported,    Verdict::kIncompleteRecording,
                                           Verdict::kBaselineFailed, Verdict::kFindings,
                                           Verdict::kBounded,        Verdict::kClean};

/// "unsupported", "incomplete-recording", "baseline-failed", "findings", "bounded", "clean".
const char* VerdictName(Verdict verdict);

/// True for clean, bounded and findings: the run was judged. The others say why it was not.
bool HasAnswer(Verdict verdict);

struct VerdictRules {
  bool strict = false;          ///< --strict: warnings fail too
  bool accept_bounded = false;  ///< --accept-bounded
  std::vector<int> ok_exit = {0};
};

struct Judgement {
  Verdict verdict = Verdict::kClean;
  ExitCode exit_code = ExitCode::kClean;
  std::vector<std::string> reasons;  ///< for all but findings and clean: why
};

/// In order of precedence: unsupported or incomplete-recording, baseline-failed, findings, bounded,
/// clean. `search` is null when the trace could not be searched. Findings that only warn leave the
/// verdict at clean (or bounded) unless strict.
Judgement Judge(const Trace& trace, const SearchResult* search, const VerdictRules& rules);

/// True when the finding alone makes the exit code 1.
bool Fails(const Finding& finding, const VerdictRules& rules);

}  // namespace oldornew
