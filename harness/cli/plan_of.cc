#include "cli/plan_of.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "cli/session.h"

namespace oldornew {

namespace {

Result<Question> QuestionOf(const Options& options) {
  Question out;
  out.watch.watch = options.watch;
  if (!options.together.empty()) out.watch.together = {options.together};
  ASSIGN_OR_RETURN(out.ack, ParseAck(options.ack, options.ack_given, options.ack_fd));
  out.durable_is_error =
      out.ack.kind == AckRule::Kind::kLine || (options.ack_given && options.ack == "exit");
  if (!options.ok_exit.empty()) out.ack.ok_exit = options.ok_exit;
  out.ack.strict_versions = options.versions == "endpoints";

  if (!options.expect.empty()) {
    ASSIGN_OR_RETURN(out.expect, ParseOracles(options.expect));
  }
  out.allowed = options.allow;
  if (!options.allow.empty() && !out.Asks(Oracle::kContained))
    out.expect.push_back(Oracle::kContained);
  if (!options.volatile_globs.empty()) out.volatile_globs = options.volatile_globs;
  out.view = options.view_command;
  out.check = options.check_command;
  return out;
}

Result<SearchSpace> SpaceOf(const Options& options) {
  SearchSpace out;
  ASSIGN_OR_RETURN(ChosenProfiles profiles, ChooseProfiles(options));
  out.table = profiles.table;
  out.profiles = profiles.asked;
  out.pedantic = profiles.pedantic;
  out.limits.grain = options.grain;
  if (options.max_states != 0) out.limits.max_states = options.max_states;
  return out;
}

FaultOptions FaultOptionsOf(const Options& options) {
  FaultOptions out;
  out.all_errors = options.all_faults;
  out.depth = options.fault_depth;
  out.most_runs = options.max_faults;
  out.by_hand = options.inject;
  // Whoever waits at a terminal wants to know how much there is to come.
  if (isatty(STDERR_FILENO) != 0 && !options.quiet) {
    out.announce = [](uint64_t cases) {
      fmt::print(stderr, "faults     {} to come\n", Count(cases, "run"));
    };
  }
  return out;
}

NextRunOptions NextRunOptionsOf(const Options& options) {
  const auto asked = [&](const char* what) {
    return std::find(options.next_run.begin(), options.next_run.end(), what) !=
           options.next_run.end();
  };
  NextRunOptions out;
  if (!options.recover.empty()) out.recover = {"sh", "-c", options.recover};
  out.after_kill = asked("kill");
  out.after_power_cut = asked("power");
  return out;
}

}  // namespace

Result<CheckPlan> PlanOf(const Options& options) {
  CheckPlan out;
  if (!options.log.empty()) {
    out.source = ImportSpec{options.log, options.root, options.start, options.old_directory,
                            options.new_directory};
  } else if (!options.trace_path.empty()) {
    out.source = SavedTrace{options.trace_path};
  } else {
    out.source = RecordSpecOf(options);
  }
  ASSIGN_OR_RETURN(out.question, QuestionOf(options));
  ASSIGN_OR_RETURN(out.space, SpaceOf(options));
  out.states_given = options.max_states != 0;
  out.axes = options.axes;
  out.named = options.named;
  out.jobs = options.jobs;
  out.faults = FaultOptionsOf(options);
  out.next_run = NextRunOptionsOf(options);
  out.rules.strict = options.strict;
  out.rules.accept_bounded = options.accept_bounded;
  return out;
}

}  // namespace oldornew
