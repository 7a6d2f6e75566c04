// Verdict: the one word for a whole check, and the exit code that goes with it (oracles.md 16, 17).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "finding/finding.h"
#include "model/crash_states.h"
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

/// What a verdict is made of. Pointers are never null, but for `findings`: null when the trace
/// could not be searched.
struct JudgedFacts {
  const Trace* trace = nullptr;
  const std::vector<std::string>* unsupported = nullptr;
  const std::vector<Finding>* findings = nullptr;
  Coverage coverage;  ///< of power cuts
  const std::vector<std::string>* bounds = nullptr;
};

/// In order of precedence: unsupported or incomplete-recording, baseline-failed, findings, bounded,
/// clean. Findings that only warn leave the verdict at clean (or bounded) unless strict.
Judgement Judge(const JudgedFacts& facts, const VerdictRules& rules);

/// True when the finding alone makes the exit code 1.
bool Fails(const Finding& finding, const VerdictRules& rules);

}  // namespace oldornew
