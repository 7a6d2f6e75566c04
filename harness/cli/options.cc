#include "cli/options.h"

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "interpose/plan.h"
#include "oracle/versions.h"

namespace oldornew {

namespace {

constexpr const char* kVersion = "oldornew 0.1.0";
constexpr const char* kFooter =
    "Exit codes: 0 clean, 1 findings, 2 usage error, 3 the command itself failed, 4 bounded (limit "
    "reached, "
    "nothing found),\n"
    "5 cannot be judged (the reason is printed), 70 internal error, 130 interrupted.";

// One of these words. CLI11 would show their values too, those of one byte as characters: the first
// of them, a zero, ended the help text.
template <typename Value>
CLI::Validator OneOf(const std::map<std::string, Value>& words) {
  std::vector<std::string> names;
  for (const auto& [name, value] : words) names.push_back(name);
  return CLI::CheckedTransformer(words, CLI::ignore_case)
      .description(fmt::format("{{{}}}", Join(names, ",")));
}

void AddTmpOnOtherDevice(CLI::App* app, Options* o) {
  app->add_flag(
      "--tmp-on-other-device", o->tmp_on_other_device,
      "moving files from /tmp and the like meets EXDEV, though here they share a mount with --dir");
}

void AddSandboxOptions(CLI::App* app, Options* o) {
  app->add_option("--dir", o->directory, "directory to copy and judge (default: the current one)");
  app->add_option("--also-dir", o->also_directories,
                  "further directory the program changes; copied and judged too")
      ->allow_extra_args(false);
  app->add_option("--work-dir", o->work_directory,
                  "where the private copy is made (default: $TMPDIR or /tmp)");
  AddTmpOnOtherDevice(app, o);
  app->add_option("--setup", o->setup,
                  "shell command that is run in the copy first; its result is the old state");
  app->add_option("--stdin", o->stdin_path,
                  "file to give to the command as standard input (default: /dev/null)");
  const std::map<std::string, Backend> backends = {
      {"auto", Backend::kAuto}, {"sud", Backend::kSud}, {"ptrace", Backend::kPtrace}};
  app->add_option("--backend", o->backend,
                  "how the run is recorded: sud (from inside, fast), ptrace (from outside: static "
                  "programs too), "
                  "auto: sud where it can (default: auto)")
      ->transform(OneOf(backends));
  app->add_option("--until", o->until,
                  "regex: a line of standard output that ends the run, for servers and what leaves "
                  "daemons behind")
      ->check([](const std::string& text) {
        const auto ack = ParseAck(text);
        return ack ? std::string() : ack.error().message;
      });
  app->add_option("--timeout", o->timeout_seconds, "seconds until a run is ended (default: 120)")
      ->check(CLI::PositiveNumber);
}

void AddInject(CLI::App* app, Options* o) {
  app->add_option(
         "--inject", o->inject,
         "make calls of the run fail, as strace does: rename:error=EXDEV:when=2 (SET[:path=GLOB]"
         "[:error=ERRNO | :retval=N | :short=BYTES][:effect=full][:signal=NAME]"
         "[:when=FIRST[..[LAST]][+STEP]]); repeatable")
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        const auto injection = ParseInjection(text);
        return injection ? std::string() : injection.error().message;
      });
}

void AddProfilesFile(CLI::App* app, Options* o) {
  app->add_option("--profiles-file", o->profiles_file,
                  "TOML file with file system profiles of your own (see docs/profiles.md)");
}

void AddImportOptions(CLI::App* app, Options* o) {
  app->add_option("--root", o->root,
                  "of a log: directory to judge, as the program saw it (default: where the program "
                  "was started)");
  app->add_option("--old", o->old_directory,
                  "of a log: copy of that directory as it was before the run");
  app->add_option("--new", o->new_directory,
                  "of a log: copy of that directory as it was after the run");
  app->add_option("--cwd", o->start,
                  "of a log: where the program was started, if the log does not say it");
}

void AddJudgingOptions(CLI::App* app, Options* o) {
  app->add_option("--watch", o->watch,
                  "path to judge, a directory as one value (default: whatever the run changed)")
      ->allow_extra_args(false);
  app->add_option("--together", o->together, "paths to judge as one value")->expected(2, 1000);
  app->add_option("--profile", o->profiles,
                  "file system profile, or mainstream, or all; repeatable (default: mainstream, "
                  "and posix as a hint)")
      ->allow_extra_args(false);
  AddProfilesFile(app, o);
  app->add_option("--expect", o->expect,
                  "oracles to ask, comma-separated: atomic, durable, check, attrs, private, "
                  "contained (default: all "
                  "but contained)");
  app->add_option("--allow", o->allow,
                  "glob of what may change beside what is watched; everything else is a finding of "
                  "contained")
      ->allow_extra_args(false);
  app->add_option("--check", o->check_command, "shell command that must exit 0 in every state");
  app->add_option("--view", o->view_command,
                  "shell command that prints the logical content of a state (databases)");
  app->add_option(
         "--volatile", o->volatile_globs,
         "glob of files that --view and --check never see (default: *-shm lock.mdb *.mdb-lock)")
      ->allow_extra_args(false);
  app->add_option("--ack", o->ack,
                  "what says \"done\": exit, none, or a regex for a line of stdout (default: exit)")
      ->each([o](const std::string&) { o->ack_given = true; });
  app->add_option(
         "--ack-fd", o->ack_fd,
         "number of a descriptor that is given to the command: its lines are the acknowledgements, "
         "not those of "
         "stdout (alone: every line; with --ack REGEX: those that match)")
      ->check(CLI::Range(3, 1000));
  app->add_option("--ok-exit", o->ok_exit,
                  "exit status that means success; repeatable (default: 0)")
      ->allow_extra_args(false);
  app->add_option("--versions", o->versions,
                  "published: every renamed-in content is a version; endpoints: old and new only")
      ->check(CLI::IsMember({"published", "endpoints"}));
}

void AddAxisOptions(CLI::App* app, const AxisTable& axes, Options* o) {
  app->add_option("--only", o->only,
                  fmt::format("what is explored, comma-separated: {} (default: {})",
                              Join(axes.Choosable(), ", "), axes.Names(axes.Defaults())))
      ->delimiter(',')
      ->allow_extra_args(false);
  for (const Axis& axis : axes.rows()) {
    if (axis.without.empty()) continue;
    app->add_flag_callback(
        "--no-" + axis.name, [o, name = axis.name] { o->not_wanted.insert(name); }, axis.without);
  }
}

void AddFaultOptions(CLI::App* app, Options* o) {
  app->add_option_function<std::string>(
         "--faults", [o](const std::string& which) { o->all_faults = which == "all"; },
         "which errors calls meet: default, one of each class; all, every errno of docs/faults.md")
      ->check(CLI::IsMember({"default", "all"}));
  app->add_option("--fault-depth", o->fault_depth,
                  "make the later calls of a run that met a fault fail too, so deep (default: 1)")
      ->check(CLI::Range(1, 4));
  app->add_option("--max-faults", o->max_faults, "runs with faults at most (default: 1000)")
      ->check(CLI::PositiveNumber);
  app->add_option(
         "--inject", o->inject,
         "let exactly this go wrong in one run: CALLS[:path=GLOB]:error=ERRNO[:when=N] and more "
         "(docs/faults.md); repeatable")
      ->allow_extra_args(false);
}

void AddBoundOptions(CLI::App* app, Options* o) {
  app->add_option("--max-states", o->max_states, "combinations to visit per profile and subject")
      ->check(CLI::PositiveNumber);
  const std::map<std::string, Grain> grains = {
      {"call", Grain::kCall}, {"page", Grain::kPage}, {"sector", Grain::kSector}};
  app->add_option("--grain", o->grain,
                  "how finely a write is taken apart: call, page, sector (default: call)")
      ->transform(OneOf(grains));
  app->add_option("-j,--jobs", o->jobs,
                  "threads for the exploration (default: one for each processor)")
      ->check(CLI::Range(1, 256));
}

void AddReportOptions(CLI::App* app, Options* o) {
  app->add_option("--output", o->output,
                  "folder for bundles, trace and report (default: oldornew.out, made when needed)")
      ->each([o](const std::string&) { o->output_given = true; });
  app->add_option("--report", o->reports,
                  "write a report as FORMAT=PATH (text, json, junit); repeatable")
      ->allow_extra_args(false);
  app->add_flag("--json", o->json, "print the JSON report instead of text");
  app->add_flag("--strict", o->strict, "warnings fail too");
  app->add_flag("--accept-bounded", o->accept_bounded,
                "a bound that was reached, with nothing found, exits 0");
}

void AddExplainOptions(CLI::App* app, Options* o) {
  app->add_option("input", o->input, "a .crash file, or a token")->required();
  app->add_option("--trace", o->trace_path,
                  "the trace a token belongs to (default: oldornew.out/run.trace)");
  AddProfilesFile(app, o);
  app->add_flag("--markdown", o->markdown, "as Markdown, for a bug report");
}

struct Parser {
  Options options;
  CLI::App app{
      "Old or new, never in between: finds what power cuts leave of files that a program updates.",
      "oldornew"};
  std::vector<std::pair<CLI::App*, Subcommand>> subcommands;

  CLI::App* Add(const char* name, const char* description, Subcommand subcommand) {
    CLI::App* sub = app.add_subcommand(name, description);
    subcommands.emplace_back(sub, subcommand);
    return sub;
  }

  void AddDoctor() {
    Options* o = &options;
    CLI::App* doctor =
        Add("doctor",
            "say whether this machine and this program can be judged, and if not, why and "
            "what helps: doctor [PROGRAM | -- COMMAND ...]",
            Subcommand::kDoctor);
    doctor->add_option("program", o->input, "a program; with arguments, give it after --");
    doctor->add_option("--work-dir", o->work_directory, "where the private copy would be made");
    doctor->add_flag("--json", o->json, "print JSON instead of text");
    doctor->add_flag("--try", o->try_it,
                     "also run the command once, in a private copy, and say what came of it");
  }

  void AddImport(Options* o) {
    CLI::App* import = Add(
        "import", "make a trace from a log of strace -f -y -s 1048576 -o LOG: import [options] LOG",
        Subcommand::kImport);
    import
        ->add_option("log", o->log,
                     "the file of strace -o, or the prefix of those of strace -ff -o")
        ->required();
    AddImportOptions(import, o);
    import->add_option("-o,--trace", o->trace_path,
                       "trace file to write (default: oldornew.trace)");
  }

  explicit Parser(const AxisTable& axes) {
    app.footer(kFooter);
    app.set_version_flag("--version", kVersion);
    app.require_subcommand(1);
    Options* o = &options;
    CLI::App* check = Add("check",
                          "run a command in a copy, judge every state a power cut can leave: check "
                          "[options] -- COMMAND ...",
                          Subcommand::kCheck);
    AddSandboxOptions(check, o);
    AddJudgingOptions(check, o);
    AddBoundOptions(check, o);
    AddReportOptions(check, o);
    check->add_option(
        "scenarios", o->scenarios,
        "scenario files, or folders of them, to check instead of a command (docs/scenarios.md)");
    AddAxisOptions(check, axes, o);
    AddFaultOptions(check, o);
    check
        ->add_option("--next-run", o->next_run,
                     "run the command again from what each kill, or power cut, leaves: kill, "
                     "power; repeatable")
        ->allow_extra_args(false)
        ->check(CLI::IsMember({"kill", "power"}));
    check->add_option("--recover", o->recover,
                      "shell command that --next-run runs instead of the command itself");
    check->add_flag("--vary-old", o->vary_old,
                    "run the command again from other old states: target absent, empty, a symlink, "
                    "hard-linked, in a "
                    "read-only directory, with a stale temporary file, a long name, another path, "
                    "another umask");
    check->add_option("--baseline", o->baseline,
                      "TOML file of accepted findings; only others fail");
    check->add_option("--write-baseline", o->write_baseline,
                      "write what is found to this file, to be accepted with a reason each");
    check->add_option("--trace", o->trace_path,
                      "judge this recorded trace instead of running a command");
    check->add_option("--from", o->log,
                      "judge what this log of strace tells instead of running a command");
    AddImportOptions(check, o);
    CLI::App* record =
        Add("record", "run a command in a copy and save its trace: record [options] -- COMMAND ...",
            Subcommand::kRecord);
    AddSandboxOptions(record, o);
    record->add_option("-o,--trace", o->trace_path,
                       "trace file to write (default: oldornew.trace)");
    record->add_flag("-q,--quiet", o->quiet, "do not pass on the command's output");
    AddInject(record, o);
    AddImport(o);
    CLI::App* show =
        Add("show", "print a trace or a .crash bundle, one call a line", Subcommand::kShow);
    show->add_option("input", o->input, "a .trace or .crash file")->required();
    CLI::App* replay =
        Add("replay", "bring back the state of a finding and judge it again", Subcommand::kReplay);
    replay->add_option("input", o->input, "a .crash file, or a token")->required();
    replay->add_option("--trace", o->trace_path,
                       "the trace a token belongs to (default: oldornew.out/run.trace)");
    AddProfilesFile(replay, o);
    replay->add_option("--keep", o->keep, "write the state to this new or empty directory");
    AddTmpOnOtherDevice(replay, o);
    replay->add_flag(
        "--again", o->again,
        "run the command of the bundle again, from its old state and with what was injected");
    AddExplainOptions(
        Add("explain", "say in words what a finding is, why it can happen and what to do about it",
            Subcommand::kExplain),
        o);
    CLI::App* states =
        Add("states", "list every distinct state as JSON lines: states [options] -- COMMAND ...",
            Subcommand::kStates);
    AddSandboxOptions(states, o);
    states
        ->add_option("--profile", o->profiles,
                     "file system profile; repeatable (default: mainstream)")
        ->allow_extra_args(false);
    AddProfilesFile(states, o);
    states->add_option("--watch", o->watch, "path to look at (default: everything)")
        ->allow_extra_args(false);
    states->add_option("--trace", o->trace_path,
                       "take this recorded trace instead of running a command");
    states->add_option("--write", o->keep,
                       "make every state real below this new or empty directory");
    AddBoundOptions(states, o);
    AddDoctor();
    CLI::App* profiles =
        Add("profiles", "list the file system profiles: what each says, and how that is known",
            Subcommand::kProfiles);
    profiles->add_option("row", o->input,
                         "one row, cell by cell, with the meaning and source of each");
    profiles->add_flag("--json", o->json, "the same as JSON");
    AddProfilesFile(profiles, o);
  }
};

// The axes that --only, --no-... and --next-run come to.
Status ChooseAxes(const AxisTable& axes, Options* o) {
  const auto usage = [](std::string message) { return FailWith(ExitCode::kUsage, "{}", message); };
  o->axes = axes.Defaults();
  for (const std::string& word : o->only) {
    ASSIGN_OR_RETURN(const std::string name, axes.ParseChoice(word));
    o->named.insert(name);
  }
  if (!o->next_run.empty()) o->named.insert("next-run");
  if (!o->inject.empty()) {
    // By hand: nothing else, unless it is named.
    o->named.insert("faults");
    o->axes = o->named;
    if (!o->named.contains("next-run")) o->not_wanted.insert("next-run");
  }

  for (const std::string& name : o->not_wanted) {
    if (o->named.contains(name)) return usage(fmt::format("{} is asked for and excluded", name));
    if (!o->only.empty() && name != "next-run")
      return usage(fmt::format("--only names all that is explored: leave out --no-{}", name));
  }
  if (!o->only.empty()) o->axes = o->named;
  o->axes.insert(o->named.begin(), o->named.end());
  // The next run starts from what faults and kills leave.
  if (o->axes.contains("faults") || o->axes.contains("kill")) o->axes.insert("next-run");
  for (const std::string& name : o->not_wanted) o->axes.erase(name);
  if (o->axes.empty()) return usage("nothing is left to explore");

  if (o->vary_old) {
    o->axes.insert("vary-old");
    o->named.insert("vary-old");
  }
  if (!o->recover.empty() && !o->axes.contains("next-run"))
    return usage(
        "--recover says what the next run runs: it needs --next-run, or what faults and kills "
        "leave");
  return {};
}

Status CheckCombination(const Options& o, bool has_dashes) {
  const auto usage = [](const char* message) { return FailWith(ExitCode::kUsage, "{}", message); };
  const bool runs = o.subcommand == Subcommand::kCheck || o.subcommand == Subcommand::kStates;
  const bool imports =
      !o.root.empty() || !o.old_directory.empty() || !o.new_directory.empty() || !o.start.empty();
  if (imports && o.log.empty())
    return usage("--root, --old, --new and --cwd are of a log: they need --from LOG");
  if (o.subcommand == Subcommand::kCheck && !o.log.empty()) {
    if (!o.command.empty() || !o.trace_path.empty())
      return usage("--from excludes --trace and a command: the log tells what was run");
    if (!o.scenarios.empty() || !o.next_run.empty() || o.vary_old)
      return usage(
          "--from judges what was run once: scenarios, --next-run and --vary-old need a run");
    return {};
  }
  if (!o.scenarios.empty()) {
    if (!o.only.empty() || !o.not_wanted.empty())
      return usage(
          "each scenario says itself what is explored: --only and --no-... are of a command");
    if (has_dashes || !o.trace_path.empty())
      return usage("scenarios, a command after -- and --trace exclude each other");
    return {};
  }
  if (o.subcommand == Subcommand::kRecord || (runs && o.trace_path.empty())) {
    if (o.command.empty())
      return usage(
          "no command: give it after --, as in: oldornew check -- sed -i s/old/new/ config.toml");
  } else if (runs && !o.command.empty()) {
    return usage("--trace and a command exclude each other");
  } else if (has_dashes && o.subcommand != Subcommand::kDoctor) {
    return usage("this subcommand takes no command after --");
  }
  if (o.subcommand == Subcommand::kDoctor && o.try_it && o.command.empty())
    return usage("doctor --try needs a command to try");
  return {};
}

}  // namespace

Result<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv,
                                           const AxisTable& axes) {
  std::vector<std::string> ours;
  ParsedCommandLine parsed;
  std::vector<std::string> command;
  bool has_dashes = false;
  for (int i = 1; i < argc; ++i) {
    if (!has_dashes && std::string_view(argv[i]) == "--") {
      has_dashes = true;
    } else {
      (has_dashes ? command : ours).emplace_back(argv[i]);
    }
  }
  Parser parser(axes);
  std::reverse(ours.begin(), ours.end());  // CLI11 takes its vector form last argument first.
  try {
    parser.app.parse(ours);
  } catch (const CLI::CallForVersion&) {
    parsed.print = std::string(kVersion) + "\n";
    return parsed;
  } catch (const CLI::CallForHelp&) {
    CLI::App* which = &parser.app;
    for (const auto& [sub, name] : parser.subcommands) {
      if (sub->parsed()) which = sub;
    }
    parsed.print = which->help();
    return parsed;
  } catch (const CLI::ParseError& error) {
    return FailWith(ExitCode::kUsage, "{} (see oldornew --help)", error.what());
  }
  parsed.options = std::move(parser.options);
  for (const auto& [sub, name] : parser.subcommands) {
    if (sub->parsed()) parsed.options.subcommand = name;
  }
  parsed.options.command = std::move(command);
  if (parsed.options.subcommand == Subcommand::kDoctor && !parsed.options.input.empty()) {
    if (has_dashes)
      return FailWith(ExitCode::kUsage, "doctor takes a program or a command after --, not both");
    parsed.options.command = {parsed.options.input};
  }
  RETURN_IF_ERROR(ChooseAxes(axes, &parsed.options));
  RETURN_IF_ERROR(CheckCombination(parsed.options, has_dashes));
  return parsed;
}

}  // namespace oldornew
