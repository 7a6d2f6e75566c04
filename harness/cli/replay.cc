// replay: the state of a finding, brought back and judged again.
#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "cases/case.h"
#include "cli/bundle_input.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "explorers/faults/fault_case.h"
#include "finding/bundle.h"
#include "lab/command_checker.h"
#include "oracle/bytes_judge.h"
#include "oracle/contained.h"
#include "oracle/privacy.h"
#include "run/record.h"

namespace oldornew {

namespace {

// One line for each path that differs from the old tree, so that the state can be seen at a glance.
std::string ListState(const Trace& trace, const FileTree& state) {
  std::string out;
  for (const PathChange& change : Diff(trace.old_tree, state)) {
    const auto inode = state.Lookup(change.path);
    if (!inode) {
      out += fmt::format("  {:<40} gone\n", change.path);
      continue;
    }
    const Inode& i = state.at(*inode);
    std::string what = KindName(i.kind);
    if (i.kind == FileKind::kFile)
      what = fmt::format("{}  {}", ByteSize(i.content.size()), Quote(i.content.Read(0, 48), 48));
    if (i.kind == FileKind::kSymlink) what = "→ " + i.target;
    out +=
        fmt::format("  {:<40} {:04o}  {}\n", change.path.empty() ? "." : change.path, i.mode, what);
  }
  return out.empty() ? "  as before the run\n" : out;
}

// A token alone names no subject: whatever the default rule watches is judged.
Result<std::vector<Subject>> SubjectsOf(const Bundle& bundle) {
  ASSIGN_OR_RETURN(std::optional<Subject> subject, SubjectOf(bundle));
  if (!subject) return ChooseSubjects(bundle.trace, {});
  return std::vector<Subject>{std::move(*subject)};
}

void Say(const char* oracle, const std::string& what) {
  std::fputs(fmt::format("{}: {}\n", oracle, what).c_str(), stdout);
}

Result<bool> JudgeAgain(const Bundle& bundle, const CrashState& state) {
  Question question;
  ASSIGN_OR_RETURN(question.ack, AckOf(bundle.header));
  ASSIGN_OR_RETURN(const auto subjects, SubjectsOf(bundle));
  bool failed = false;
  for (const Subject& subject : subjects) {
    BytesJudge(bundle.trace, subject, question)
        .JudgeOne(state, [&](const Violation& violation, const CrashState&) {
          failed = true;
          Say(OracleName(violation.oracle),
              violation.oracle == Oracle::kAttrs
                  ? fmt::format("{}: {}", violation.at, violation.evidence)
                  : fmt::format("{} would {}", violation.at, OutcomePhrase(violation.outcome)));
        });
  }
  if (!failed) std::fputs("this state is acceptable: every watched path is old or new\n", stdout);
  return failed;
}

// A moment of the run itself: who can read what, and, at its end, what changed that should not
// have.
bool JudgeLive(const Bundle& bundle, uint32_t point) {
  bool failed = false;
  for (const Exposure& exposure : FindExposures(bundle.trace)) {
    if (point < exposure.first_point || point > exposure.last_point) continue;
    failed = true;
    Say("private", fmt::format("{} (content of {}) can be read by {}: mode {:04o}", exposure.path,
                               exposure.subject, exposure.who, exposure.mode));
  }
  for (const Stray& stray : FindStrays(bundle.trace, {}, {})) {
    if (bundle.header.oracle != "contained" || stray.path != bundle.header.path) continue;
    failed = true;
    Say("contained", fmt::format("{}: {}", stray.path, stray.what));
  }
  if (!failed) std::fputs("nothing is wrong at this moment\n", stdout);
  return failed;
}

// --view and --check are the user's own commands: they are run again on the state, in a sandbox
// around a copy of it.
Result<bool> AskAgain(const Bundle& bundle, const CrashState& state) {
  ASSIGN_OR_RETURN(const TempDir directory, TempDir::Create("oldornew-replay-"));
  SandboxSpec spec;
  spec.directory = directory.path();
  ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(spec));
  const bool view = !bundle.header.view.empty() && bundle.header.oracle != "check";
  const std::string& command = view ? bundle.header.view : bundle.header.check;
  const Checker checker = MakeChecker(&sandbox, command, std::chrono::seconds(120));
  ASSIGN_OR_RETURN(const CheckerAnswer answer, checker(state.tree, {}));
  std::fputs(fmt::format("{} prints {} and exits {}\n", ShellQuote(command),
                         Quote(answer.output, 200), answer.exit_status)
                 .c_str(),
             stdout);
  if (!view) return answer.exit_status != 0;
  const auto same = [&](const CheckerAnswer& other) {
    return other.exit_status == answer.exit_status && other.output == answer.output;
  };
  ASSIGN_OR_RETURN(const CheckerAnswer old_answer, checker(bundle.trace.old_tree, {}));
  ASSIGN_OR_RETURN(const CheckerAnswer new_answer, checker(bundle.trace.new_tree, {}));
  std::fputs(fmt::format("that is {} the old state and {} the new one\n",
                         same(old_answer) ? "as" : "unlike", same(new_answer) ? "as" : "unlike")
                 .c_str(),
             stdout);
  return bundle.header.oracle == "durable" ? !same(new_answer)
                                           : !same(old_answer) && !same(new_answer);
}

// " and 4096 B of the next", of a kill within a write.
std::string InsideOf(const Case& which) {
  const Kill* kill = which.As<Kill>();
  return kill != nullptr && kill->bytes > 0 ? fmt::format(" and {} B of the next", kill->bytes)
                                            : "";
}

// How a further run ended is in its trace: shown, and written out.
Result<ExitCode> ShowEnd(const Bundle& bundle, const Case& which, const Options& options) {
  const Trace& trace = bundle.trace;
  if (which.trace_id != trace.Identity().Short())
    return FailWith(ExitCode::kUsage,
                    "this token belongs to trace {}, not to this one: give its bundle",
                    which.trace_id);
  if (!bundle.header.message.empty()) std::fputs((bundle.header.message + "\n").c_str(), stdout);
  std::fputs(fmt::format("{}\nexited {} after {} calls; what it left, against the old state:\n{}",
                         ShellQuote(trace.command), trace.exit_status, trace.ops.size(),
                         ListState(trace, trace.new_tree))
                 .c_str(),
             stdout);
  if (!options.keep.empty()) {
    RETURN_IF_ERROR(WriteTo(trace.new_tree, options.keep));
    std::fputs(fmt::format("written to {}\n", options.keep).c_str(), stdout);
  }
  return ExitCode::kFindings;
}

// One sentence for each way in which the run ended otherwise than the one in the bundle.
std::vector<std::string> HowOtherwise(const Trace& was, const Trace& now) {
  std::vector<std::string> out;
  if (now.exit_status != was.exit_status)
    out.push_back(fmt::format("it exits {}, not {}", now.exit_status, was.exit_status));
  const PathPatterns patterns(was, now);
  for (const PathChange& change : Diff(was.new_tree, now.new_tree)) {
    if (change.what != PathChange::What::kAttributes && patterns.IsFixed(change.path))
      out.push_back(fmt::format("{} differs", change.path.empty() ? "." : change.path));
  }
  return out;
}

// The command once more, from the old state in the bundle, and with the same going wrong.
Result<ExitCode> RunOnceMore(const Bundle& bundle, const Options& options) {
  const Trace& was = bundle.trace;
  if (was.roots.empty() || was.command.empty())
    return FailWith(ExitCode::kUsage, "--again: there is no command in it");
  SandboxSpec spec;
  spec.directory = options.directory.empty() ? was.roots[0].path : options.directory;
  for (size_t i = 1; i < was.roots.size(); ++i) {
    if (was.roots[i].role == RootRole::kJudged) spec.also_directories.push_back(was.roots[i].path);
  }
  spec.tmp_on_other_device = options.tmp_on_other_device;
  spec.start_empty = true;
  spec.in_memory = true;
  KeepVisible(was.command, &spec);
  ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(spec));
  RETURN_IF_ERROR(sandbox.Present(was.old_tree));
  ASSIGN_OR_RETURN(FaultCase fault, ParseFaultCase(was.plan));
  if (fault.space) RETURN_IF_ERROR(sandbox.LimitSpace(RootRole::kJudged, *fault.space));
  RunSpec run;
  run.command = was.command;
  run.plan.injections = std::move(fault.plan);
  ASSIGN_OR_RETURN(const Trace now, RecordIn(sandbox, run));
  const std::string injected = was.plan.empty() ? "" : " with " + Join(was.plan, " and ");
  std::fputs(
      fmt::format("{}{}\nexited {}; what it left, against the old state:\n{}",
                  ShellQuote(was.command), injected, now.exit_status, ListState(now, now.new_tree))
          .c_str(),
      stdout);
  const std::vector<std::string> otherwise = HowOtherwise(was, now);
  std::fputs(otherwise.empty()
                 ? "it ended as recorded\n"
                 : ("it ended OTHERWISE than recorded: " + Join(otherwise, ", ") + "\n").c_str(),
             stdout);
  return otherwise.empty() ? ExitCode::kFindings : ExitCode::kClean;
}

}  // namespace

Result<ExitCode> RunReplay(const Options& options) {
  if (!options.keep.empty()) RETURN_IF_ERROR(MakeEmptyDirectory(options.keep));
  ASSIGN_OR_RETURN(const Bundle bundle, LoadBundle(options));
  if (options.again) return RunOnceMore(bundle, options);
  ASSIGN_OR_RETURN(const Case which, ParseToken(bundle.header.token));
  if (which.As<EndOfRun>() != nullptr) return ShowEnd(bundle, which, options);
  ASSIGN_OR_RETURN(const std::optional<Profile> row, RowOf(options, bundle));
  ASSIGN_OR_RETURN(const CrashState state,
                   Realise(bundle.trace, which, {{""}}, row ? &*row : nullptr));
  const bool live = which.As<Moment>() != nullptr;
  if (!bundle.header.message.empty()) std::fputs((bundle.header.message + "\n").c_str(), stdout);
  std::fputs(fmt::format("{} {} of {} calls{}; the state, against the old one:\n{}",
                         live                          ? "the running machine after"
                         : which.As<Kill>() != nullptr ? "killed after"
                                                       : ProfileOf(which) + ", power lost after",
                         state.first_point, bundle.trace.ops.size(), InsideOf(which),
                         ListState(bundle.trace, state.tree))
                 .c_str(),
             stdout);
  if (!options.keep.empty()) {
    RETURN_IF_ERROR(WriteTo(state.tree, options.keep));
    std::fputs(fmt::format("written to {}\n", options.keep).c_str(), stdout);
  }
  if (live) return JudgeLive(bundle, state.first_point) ? ExitCode::kFindings : ExitCode::kClean;
  const bool by_command = bundle.header.path == "." || bundle.header.oracle == "check";
  ASSIGN_OR_RETURN(const bool failed,
                   by_command && (!bundle.header.view.empty() || !bundle.header.check.empty())
                       ? AskAgain(bundle, state)
                       : JudgeAgain(bundle, state));
  return failed ? ExitCode::kFindings : ExitCode::kClean;
}

}  // namespace oldornew
