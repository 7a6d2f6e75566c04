// replay: the state of a finding, brought back and judged again.
#include <unistd.h>

#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "explore/case.h"
#include "finding/bundle.h"
#include "model/columns.h"
#include "oracle/judge.h"
#include "trace/format.h"

namespace oldornew {

namespace {

Result<Bundle> LoadBundle(const Options& options) {
  if (access(options.input.c_str(), F_OK) == 0) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.input));
    auto bundle = DecodeBundle(bytes);
    if (!bundle) return FailWith(ExitCode::kUsage, "{}: {}", options.input, bundle.error().message);
    return bundle;
  }
  if (options.input.find('/') == std::string::npos || options.input.ends_with(".crash")) {
    return FailWith(ExitCode::kUsage, "{}: no such file", options.input);
  }
  Bundle bundle;
  bundle.header.token = options.input;
  ASSIGN_OR_RETURN(bundle.trace,
                   ReadTrace(options.trace_path.empty() ? "oldornew.out/run.trace" : options.trace_path));
  return bundle;
}

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
    out += fmt::format("  {:<40} {:04o}  {}\n", change.path.empty() ? "." : change.path, i.mode, what);
  }
  return out.empty() ? "  as before the run\n" : out;
}

// A token alone names no subject: whatever the default rule watches is judged.
Result<std::vector<Subject>> SubjectsOf(const Bundle& bundle) {
  if (bundle.header.watch.empty()) return ChooseSubjects(bundle.trace, {});
  Subject subject;
  subject.name = bundle.header.path;
  subject.whole_directory = bundle.header.whole_directory;
  for (const std::string& path : bundle.header.watch) {
    ASSIGN_OR_RETURN(const Place place, FindPlace(bundle.trace, path));
    subject.places.push_back(place);
  }
  return std::vector<Subject>{subject};
}

Result<bool> JudgeAgain(const Bundle& bundle, const CrashState& state) {
  ASSIGN_OR_RETURN(const AckRule ack, ParseAck(bundle.header.ack));
  ASSIGN_OR_RETURN(const auto subjects, SubjectsOf(bundle));
  bool failed = false;
  for (const Subject& subject : subjects) {
    const VersionHistory history = TraceVersions(bundle.trace, subject, ack);
    const auto violation = JudgeState(bundle.trace, subject, history, state.tree, state.last_point);
    if (!violation) continue;
    failed = true;
    std::fputs(fmt::format("{}: {} would {}\n", OracleName(violation->oracle), violation->at,
                           OutcomePhrase(violation->outcome))
                   .c_str(),
               stdout);
  }
  if (!failed) std::fputs("this state is acceptable: every watched path is old or new\n", stdout);
  return failed;
}

// --view and --check are the user's own commands: they are run again on the state, in a sandbox around a copy
// of it.
Result<bool> ProbeAgain(const Bundle& bundle, const CrashState& state) {
  ASSIGN_OR_RETURN(const TempDir directory, TempDir::Create("oldornew-replay-"));
  SandboxSpec spec;
  spec.directory = directory.path();
  ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(spec));
  const bool view = !bundle.header.view.empty() && bundle.header.oracle != "check";
  const std::string& command = view ? bundle.header.view : bundle.header.check;
  const Probe probe = MakeProbe(&sandbox, command, 120);
  ASSIGN_OR_RETURN(const ProbeAnswer answer, probe(state.tree, {}));
  std::fputs(fmt::format("{} prints {} and exits {}\n", ShellQuote(command), Quote(answer.output, 200),
                         answer.exit_status)
                 .c_str(),
             stdout);
  if (!view) return answer.exit_status != 0;
  const auto same = [&](const ProbeAnswer& other) {
    return other.exit_status == answer.exit_status && other.output == answer.output;
  };
  ASSIGN_OR_RETURN(const ProbeAnswer old_answer, probe(bundle.trace.old_tree, {}));
  ASSIGN_OR_RETURN(const ProbeAnswer new_answer, probe(bundle.trace.new_tree, {}));
  std::fputs(fmt::format("that is {} the old state and {} the new one\n", same(old_answer) ? "as" : "unlike",
                         same(new_answer) ? "as" : "unlike")
                 .c_str(),
             stdout);
  return bundle.header.oracle == "durable" ? !same(new_answer) : !same(old_answer) && !same(new_answer);
}

// What the bundle's row says and the one of today does not: "NEWDATA zero, now ordered".
std::string Differences(const Profile& then, const Profile& now) {
  std::vector<std::string> words;
  for (size_t i = 0; i < Columns().size(); ++i) {
    const std::string was = CellText(then, i);
    const std::string is = CellText(now, i);
    if (was != is) words.push_back(fmt::format("{} {}, now {}", Columns()[i].name, was, is));
  }
  return Join(words, "; ");
}

// A state belongs to the row it was found in. When the table has changed since, the old row is used, and that
// is said: what it shows may be something the file system is no longer thought to do.
Result<Profile> RowOf(const Options& options, const Bundle& bundle, const PowerCase& power_case) {
  ASSIGN_OR_RETURN(const ProfileTable table, LoadProfiles(options));
  const std::string& name = power_case.profile;
  const Profile* now = table.Find(name);
  if (bundle.header.row.empty()) {
    if (now != nullptr) return *now;
    return FailWith(ExitCode::kUsage, "no profile is called {} (--profiles-file gives rows of your own)",
                    name);
  }
  auto then = ParseCells(bundle.header.row);
  if (!then) return FailWith(ExitCode::kUsage, "the bundle's row {}: {}", name, then.error().message);
  then->name = name;
  std::string complaint;
  if (now == nullptr) {
    complaint = fmt::format("this table has no row {}", name);
  } else if (CellsDigest(*then) != CellsDigest(*now)) {
    complaint = fmt::format("its row {} differs: {}", name, Differences(*then, *now));
  } else if (bundle.header.profile_table != table.Version()) {
    complaint = fmt::format("its row {} is the same", name);
  }
  if (!complaint.empty()) {
    std::fputs(fmt::format("oldornew: the bundle was written with profile table {}, this is {}; {}\n",
                           bundle.header.profile_table, table.Version(), complaint)
                   .c_str(),
               stderr);
  }
  return *then;
}

// How a further run ended is in its trace: shown, and written out.
Result<ExitCode> ShowEnd(const Bundle& bundle, const EndCase& end_case, const Options& options) {
  const Trace& trace = bundle.trace;
  if (end_case.trace_id != trace.Identity().Short())
    return FailWith(ExitCode::kUsage, "this token belongs to trace {}, not to this one: give its bundle",
                    end_case.trace_id);
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

}  // namespace

Result<ExitCode> RunReplay(const Options& options) {
  if (!options.keep.empty()) RETURN_IF_ERROR(MakeEmptyDirectory(options.keep));
  ASSIGN_OR_RETURN(const Bundle bundle, LoadBundle(options));
  if (const auto end_case = ParseEndToken(bundle.header.token)) return ShowEnd(bundle, *end_case, options);
  ASSIGN_OR_RETURN(const PowerCase power_case, ParseToken(bundle.header.token));
  ASSIGN_OR_RETURN(const Profile row, RowOf(options, bundle, power_case));
  ASSIGN_OR_RETURN(const CrashState state, Realise(bundle.trace, power_case, {{""}}, &row));
  if (!bundle.header.message.empty()) std::fputs((bundle.header.message + "\n").c_str(), stdout);
  std::fputs(fmt::format("{}, power lost after {} of {} calls; the state, against the old one:\n{}",
                         power_case.profile, state.first_point, bundle.trace.ops.size(),
                         ListState(bundle.trace, state.tree))
                 .c_str(),
             stdout);
  if (!options.keep.empty()) {
    RETURN_IF_ERROR(WriteTo(state.tree, options.keep));
    std::fputs(fmt::format("written to {}\n", options.keep).c_str(), stdout);
  }
  const bool probed = !bundle.header.view.empty() || !bundle.header.check.empty();
  ASSIGN_OR_RETURN(const bool failed, probed ? ProbeAgain(bundle, state) : JudgeAgain(bundle, state));
  return failed ? ExitCode::kFindings : ExitCode::kClean;
}

}  // namespace oldornew
