// Backend choice: how one command can be recorded, found out before it is started.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "run/runner.h"
#include "run/sandbox.h"

namespace oldornew {

struct BackendChoice {
  bool traced = false;  ///< by ptrace from its first image on; else by the preload library
  std::string note;     ///< for the report; empty: nothing to say
};

/// The best backend that RunSpec::backend allows, for the program that `run.command` names.
/// `environment` is the complete one that the program will get. Errors (kCannotJudge): why none of
/// them can record it.
Result<BackendChoice> ChooseBackend(const Sandbox& sandbox, const RunSpec& run,
                                    const std::vector<std::string>& environment);

}  // namespace oldornew
