// The command line as data. One struct for all subcommands: each uses the fields it documents in
// --help.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "check/axes.h"
#include "interpose/backend.h"
#include "model/crash_states.h"

namespace oldornew {

enum class Subcommand : uint8_t {
  kCheck,
  kRecord,
  kShow,
  kReplay,
  kStates,
  kImport,
  kExplain,
  kDoctor,
  kProfiles
};

struct Options {
  Subcommand subcommand = Subcommand::kCheck;
  std::vector<std::string> command;  ///< what follows "--"
  /// check: scenario files and folders of them, instead of a command
  std::vector<std::string> scenarios;

  // The sandbox and the run.
  std::string directory;
  std::vector<std::string> also_directories;
  std::string work_directory;
  bool tmp_on_other_device = false;
  std::string setup;  ///< shell command, run first, un-recorded
  std::string stdin_path;
  Backend backend = Backend::kAuto;
  std::string until;  ///< --until: a line of stdout that ends the run
  double timeout_seconds = 120;

  // import, check --from: a log of strace instead of a run.
  std::string log;
  std::string root;           ///< the judged directory, as the program saw it
  std::string start;          ///< where the program was started
  std::string old_directory;  ///< the judged directory as it was before
  std::string new_directory;  ///< ... and after

  // What is judged.
  std::vector<std::string> watch;
  std::vector<std::string> together;
  std::vector<std::string> profiles;
  std::string profiles_file;  ///< TOML with rows of the user's own
  std::string expect;
  std::vector<std::string> allow;
  std::string check_command;
  std::string view_command;
  std::vector<std::string> volatile_globs;
  std::string ack = "exit";
  bool ack_given = false;
  int ack_fd = -1;  ///< --ack-fd; -1: standard output
  std::vector<int> ok_exit;
  std::string versions = "published";
  uint64_t max_states = 0;  ///< 0: the default of the mode
  Grain grain = Grain::kCall;
  int jobs = 0;  ///< 0: one for each processor

  // What is said.
  std::string output = "oldornew.out";
  bool output_given = false;
  std::vector<std::string> reports;  ///< FORMAT=PATH
  bool json = false;
  bool strict = false;
  bool accept_bounded = false;
  bool quiet = false;
  bool try_it = false;                ///< doctor --try
  std::vector<std::string> only;      ///< --only, as given
  std::vector<std::string> next_run;  ///< --next-run: kill, power
  /// check: what is explored, as --only, --no-... and --next-run say.
  std::set<std::string> axes;
  std::set<std::string> named;       ///< those that the user asked for by name
  std::set<std::string> not_wanted;  ///< --no-power, --no-faults, ...
  std::string recover;  ///< --recover: shell command that is run next instead of the recorded one
  bool all_faults = false;          ///< --faults all
  int fault_depth = 1;              ///< --fault-depth
  uint64_t max_faults = 1000;       ///< --max-faults
  std::vector<std::string> inject;  ///< --inject: exactly this goes wrong, in one run
  bool vary_old = false;            ///< --vary-old: run from other old states too
  std::string baseline;             ///< --baseline: accepted findings
  std::string write_baseline;  ///< --write-baseline: where to write what was found, to be accepted

  // replay, show, states, explain.
  std::string input;       ///< token, .crash or .trace file; profiles: a row, or empty
  std::string trace_path;  ///< the trace a token belongs to
  bool again = false;      ///< replay --again: run the command again, with what was injected
  std::string keep;        ///< replay --keep DIR, states --write DIR
  bool markdown = false;   ///< explain --markdown
};

/// What argv said. Help and version are texts to print before leaving with exit code 0.
struct ParsedCommandLine {
  Options options;
  std::string print;  ///< not empty: print this and exit 0
};
/// `axes`: what --only and --no-... know. Errors (usage): one sentence.
Result<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv,
                                           const AxisTable& axes);

}  // namespace oldornew
