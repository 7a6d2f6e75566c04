// Plan of: what the options of a check mean, as a plan (check/plan.h).
#pragma once

#include "base/result.h"
#include "check/plan.h"
#include "cli/options.h"

namespace oldornew {

/// Errors: usage.
Result<CheckPlan> PlanOf(const Options& options);

}  // namespace oldornew
