// Command checker: a shell command of the user's as a checker (oracle/checker.h).
#pragma once

#include <chrono>
#include <string>

#include "oracle/checker.h"
#include "run/sandbox.h"

namespace oldornew {

/// The command as a checker in `sandbox`, which must outlive it; empty for an empty command.
Checker MakeChecker(Sandbox* sandbox, const std::string& shell_command,
                    std::chrono::milliseconds time_limit);

}  // namespace oldornew
