// Injection at: aims an injection at one call of a survey.
#pragma once

#include <cstdint>

#include "interpose/plan.h"
#include "oracle/path_patterns.h"
#include "trace/trace.h"

namespace oldornew {

/// An injection that fits that file call of the survey and no other; what happens to the call is
/// left to be filled in.
Injection InjectionAt(const Trace& survey, const PathPatterns& patterns, int index);

/// Which of the calls that `injection` fits file call number `index` is, counted from 1.
uint32_t OccurrenceOf(const Trace& survey, const Injection& injection, int index);

}  // namespace oldornew
