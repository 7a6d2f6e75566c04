#include "import/import.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "import/log_replay.h"
#include "interpose/decode.h"
#include "interpose/strace_log.h"

namespace oldornew {

using replay::FirstDirectory;
using replay::Knowledge;
using replay::LogReplay;
using replay::ReplaySpec;

namespace {

using Kind = Obstacle::Kind;

constexpr int kMostReplays = 24;
constexpr const char* kFlags = "strace -f -y -s 1048576 -o LOG";

// "/a//b/./c/" -> "/a/b/c".
std::string Plain(const std::string& path) {
  std::string out;
  for (const std::string& part : Split(path, '/')) {
    if (!part.empty() && part != ".") out += "/" + part;
  }
  return out.empty() ? "/" : out;
}

// A log in which whole groups of calls were left out (strace -e trace=...) looks like a program
// that makes none.
Status CheckGroups(const StraceLog& log) {
  std::set<std::string> names;
  for (const StraceCall& call : log.calls) names.insert(call.name);
  const auto any = [&](std::initializer_list<const char*> some) {
    return std::any_of(some.begin(), some.end(),
                       [&](const char* name) { return names.count(name) != 0; });
  };
  const char* missing = nullptr;
  if (!any({"close", "close_range"})) missing = "close";
  if (!any({"mmap", "read", "write", "fstat", "newfstatat"})) missing = "read, write or mmap";
  if (!any({"execve", "execveat"})) missing = "execve";
  if (missing == nullptr) return {};
  return FailWith(ExitCode::kUsage,
                  "{}: there is no {} in it, so calls were left out: record without -e trace=..., "
                  "or with at least "
                  "-e trace=%file,%desc,%process,umask,sync (as in: {} COMMAND)",
                  log.files[0], missing, kFlags);
}

Result<CapturedTree> CaptureGiven(const std::string& directory, const char* option) {
  auto captured = Capture({directory});
  if (!captured) return FailWith(ExitCode::kUsage, "{}: {}", option, captured.error().message);

  // Output of earlier checks is no part of it. What no root reaches any more stays in the table.
  FileTree& tree = captured->tree;
  const auto ours = [&](const auto& entry) {
    return tree.at(entry.second).entries.count(kOutputMarker) != 0;
  };
  for (size_t i = 0; i < tree.size(); ++i)
    std::erase_if(tree.at(static_cast<InodeIndex>(i)).entries, ours);
  return captured;
}

// What can be reached only: the numbers are its own.
InodeIndex CopyReachable(const FileTree& from, InodeIndex inode, FileTree* to,
                         std::map<InodeIndex, InodeIndex>* copied) {
  const auto found = copied->find(inode);
  if (found != copied->end()) return found->second;
  Inode copy = from.at(inode);
  const std::map<std::string, InodeIndex> entries = std::move(copy.entries);
  copy.entries.clear();
  InodeIndex index = 0;
  if (copied->empty()) {
    to->at(0) = std::move(copy);
  } else {
    index = to->Add(std::move(copy));
  }

  (*copied)[inode] = index;
  for (const auto& [name, child] : entries) {
    const InodeIndex there = CopyReachable(from, child, to, copied);
    to->at(index).entries[name] = there;
  }

  return index;
}

FileTree TreeAfter(const Trace& trace) {
  LiveTree live(trace);
  for (const Op& op : trace.ops) live.Apply(op);
  FileTree out;
  std::map<InodeIndex, InodeIndex> copied;
  CopyReachable(live.tree(), live.tree().roots()[0], &out, &copied);
  return out;
}

std::string Listed(const std::set<std::string>& names) {
  constexpr size_t kMost = 3;
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() == kMost) break;
    shown.push_back(name);
  }

  std::string out = Join(shown, ", ");
  if (names.size() > kMost) out += fmt::format(" and {} more", names.size() - kMost);
  return out;
}

bool ChangesSomething(const Trace& trace) {
  return std::any_of(trace.ops.begin(), trace.ops.end(), [](const Op& op) {
    return op.error == 0 && op.kind != OpKind::kOutput && op.kind != OpKind::kExit &&
           op.kind != OpKind::kSyncAll;
  });
}

void AddWhatIsNotKnown(const ImportSpec& spec, const replay::Replay& found, Trace* trace) {
  const auto unproven = [&](std::string reason) {
    trace->obstacles.push_back({Kind::kUnproven, std::move(reason)});
  };
  if (!ChangesSomething(*trace) && spec.new_directory.empty()) {
    unproven(
        fmt::format("no call of the log changes anything below {}: is that the directory, as the "
                    "program saw it? "
                    "(--root)",
                    trace->roots[0].path));
  }

  if (!found.names.changed_outside().empty()) {
    unproven(fmt::format("the program also changed {}, outside {}: not judged",
                         Listed(found.names.changed_outside()), trace->roots[0].path));
  }

  if (spec.old_directory.empty()) {
    unproven(
        "the tree before the run was not given (--old): what the log does not show of it is "
        "assumed");
    if (!found.learner.placeholders().empty()) {
      trace->notes.push_back(
          fmt::format("old content that the log does not show is a placeholder, assumed to differ "
                      "from all that was written: {}",
                      Listed(found.learner.placeholders())));
    }
    if (!found.names.assumed_new().empty()) {
      trace->notes.push_back(
          fmt::format("whether these were there before is not in the log; taken as new: {}",
                      Listed(found.names.assumed_new())));
    }
  }

  if (spec.new_directory.empty()) {
    unproven(
        "the tree after the run was not given (--new): whether the log misses a change cannot be "
        "checked");
  }
}

Result<Trace> Assemble(const ImportSpec& spec, const LogReplay& replay, const std::string& root,
                       const CapturedTree* after) {
  const replay::Replay& found = replay.found();
  Trace trace;
  trace.backend = "strace";
  trace.file_system = "unknown";
  trace.command = found.processes.command();
  trace.roots = {{root, RootRole::kJudged}};
  trace.old_tree = found.old_tree;
  if (after != nullptr) trace.new_tree = after->tree;
  trace.exit_status = replay.exit_status();
  trace.stdout_bytes = found.bytes.output(1);
  trace.stderr_bytes = found.bytes.output(2);
  trace.obstacles = found.complaints.obstacles();
  CapturedTree before;
  before.tree = trace.old_tree;
  for (size_t i = 0; i < before.tree.size(); ++i) before.ids.push_back({1, i + 1});
  wire::Header header{};
  const RecordList records =
      ReadRecords(found.records.buffer().bytes(), found.records.buffer().size());
  header.ticket = records.records.size() * 4 + 4;
  if (records.damaged_at != 0) return Fail("the records of {} are damaged", spec.log);
  DecodeRecords(header, records, before, &trace, false);
  if (after == nullptr) trace.new_tree = TreeAfter(trace);
  const bool broken = !trace.obstacles.empty();
  for (std::string& mismatch : FindTreeMismatches(trace)) {
    // Obstacles have said already why the tree is another one; without them the trees are all there
    // is to say.
    trace.obstacles.push_back({Kind::kIncomplete, std::move(mismatch)});
    if (broken) break;
  }

  AddWhatIsNotKnown(spec, found, &trace);
  trace.notes.push_back(fmt::format(
      "imported from {}: calls of different processes that overlapped are in the order in "
      "which strace saw them end",
      spec.log));

  return trace;
}

}  // namespace

Result<Trace> ImportStrace(const ImportSpec& spec) {
  ASSIGN_OR_RETURN(const std::vector<StraceFile> files, ReadStraceFiles(spec.log));
  ASSIGN_OR_RETURN(const StraceLog log, ParseStraceLog(files));
  RETURN_IF_ERROR(CheckGroups(log));
  ReplaySpec replay_spec;
  replay_spec.cwd = spec.cwd.empty() ? FirstDirectory(log) : Plain(spec.cwd);
  replay_spec.root = spec.root.empty() ? replay_spec.cwd : Plain(spec.root);
  if (replay_spec.root.empty()) {
    return FailWith(ExitCode::kUsage,
                    "the log does not say where the program was started: give the judged directory "
                    "with --root, or "
                    "record with strace -y");
  }

  CapturedTree before;
  CapturedTree after;
  if (!spec.old_directory.empty()) {
    ASSIGN_OR_RETURN(before, CaptureGiven(spec.old_directory, "--old"));
    replay_spec.old_tree = &before.tree;
  }

  if (!spec.new_directory.empty()) {
    ASSIGN_OR_RETURN(after, CaptureGiven(spec.new_directory, "--new"));
    replay_spec.new_tree = &after.tree;
  }

  Knowledge knowledge;
  for (int i = 0; i < kMostReplays; ++i) {
    LogReplay replay(log, replay_spec, &knowledge);
    ASSIGN_OR_RETURN(const bool again, replay.Run());
    if (again && i + 1 < kMostReplays) continue;
    auto trace =
        Assemble(spec, replay, replay_spec.root, spec.new_directory.empty() ? nullptr : &after);
    if (again && trace)
      trace->obstacles.push_back(
          {Kind::kIncomplete,
           "what the log shows of the tree before it contradicts itself: give "
           "that tree with --old"});
    return trace;
  }

  return Fail("not reached");
}

}  // namespace oldornew
