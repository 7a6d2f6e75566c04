// What several subcommands do alike: record as the options say, load a trace, make probes, pick
// profiles.
#pragma once

#include <string>
#include <vector>

#include "check/plan.h"
#include "cli/options.h"
#include "model/profile.h"
#include "run/record.h"

namespace oldornew {

/// Where: a private copy of the directories that the options name.
SandboxSpec SandboxSpecOf(const Options& options);

/// How options.command is to be run.
RunSpec RunSpecOf(const Options& options);

/// The built-in table, with the rows of options.profiles_file.
Result<ProfileTable> LoadProfiles(const Options& options);

/// What the options say is to be judged: a command, a log, or a saved trace.
RecordSpec RecordSpecOf(const Options& options);

/// Records options.command, imports options.log, or loads options.trace_path (then there is no
/// sandbox).
Result<Recording> ObtainTrace(const Options& options);

/// Writes the trace (default: oldornew.trace) and says on standard error what it is.
Status SaveTrace(const Trace& trace, const std::string& path);

struct ChosenProfiles {
  ProfileTable table;  ///< owns the rows
  std::vector<const Profile*> asked;
  std::vector<const Profile*> pedantic;
};
/// --profile, or mainstream with posix as the pedantic one (oracles.md 16, 18).
Result<ChosenProfiles> ChooseProfiles(const Options& options);

/// Errors (usage): `path` exists and is not an empty directory. Creates it.
Status MakeEmptyDirectory(const std::string& path);

/// True when stdout is a terminal and NO_COLOR is not set (no-color.org).
bool WantColour();

}  // namespace oldornew
