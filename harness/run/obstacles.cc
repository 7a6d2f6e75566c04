#include "run/obstacles.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "interpose/launch.h"
#include "run/notes.h"
#include "run/places.h"

namespace oldornew {
namespace {

using Kind = Obstacle::Kind;

/// With less free space than this the file system counts as full.
constexpr uint64_t kLeastRoom = uint64_t{64} << 10;

void Add(Trace& trace, Kind kind, std::string reason) {
  trace.obstacles.push_back({kind, std::move(reason)});
}

bool IsTemporary(const Trace& trace, const std::string& path) {
  return std::any_of(trace.roots.begin(), trace.roots.end(), [&](const Root& root) {
    return root.role == RootRole::kTemporary && IsWithin(path, root.path);
  });
}

std::string DirectoryOf(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
}

/// True when the machine has `directory` and the sandbox does not.
bool IsMissing(const Sandbox& sandbox, const std::string& directory) {
  std::error_code error;
  return std::filesystem::is_directory(directory, error) &&
         !std::filesystem::is_directory(sandbox.OnDisk(directory), error);
}

/// The first call that failed because it would have moved or removed a file of the machine.
const Op* FindRefusedRemoval(const Trace& trace) {
  for (const Op& op : trace.ops) {
    const bool removes = op.kind == OpKind::kUnlink || op.kind == OpKind::kRename;
    // The mount point of a visible file is busy. An injected EBUSY means nothing.
    const bool refused = op.error == EBUSY && (op.flags & kFlagInjected) == 0;
    if (removes && refused && IsTemporary(trace, op.path)) return &op;
  }
  return nullptr;
}

}  // namespace

void CheckRoom(const Sandbox& sandbox, Trace& trace) {
  struct statvfs vfs;
  if (statvfs(sandbox.recorder_path().c_str(), &vfs) != 0) return;
  if (uint64_t{vfs.f_bfree} * vfs.f_frsize >= kLeastRoom) return;

  Add(trace, Kind::kIncomplete,
      fmt::format("no space is left in {}, where the private copy and the recording are: choose "
                  "another place with --work-dir",
                  sandbox.recorder_path()));
}

void CheckLostRights(const Sandbox& sandbox, Trace& trace) {
  std::set<std::string> programs;
  for (const Process& process : trace.processes) {
    if (process.entered) programs.insert(process.program);
  }

  for (const std::string& program : programs) {
    const std::string path = sandbox.OnDisk(program);
    struct stat st;
    if (stat(path.c_str(), &st) != 0 || (st.st_mode & (S_ISUID | S_ISGID)) == 0) continue;
    auto enterable = CheckEnterable(path);
    if (enterable) continue;
    Add(trace, Kind::kUnsupported,
        enterable.error().message + "; in the sandbox it ran without those rights");
  }
}

void CheckHome(const Sandbox& sandbox, const std::vector<std::string>& before, Trace& trace) {
  std::vector<std::string> changed;
  for (const std::string& path : sandbox.HomeChanges()) {
    if (!std::binary_search(before.begin(), before.end(), path)) changed.push_back("~/" + path);
  }

  if (changed.empty()) return;

  if (!ChangedSomethingJudged(trace)) {
    Add(trace, Kind::kUnsupported,
        fmt::format("the program changed nothing in {} but changed {}, which is not judged: use "
                    "--dir ~ or --also-dir",
                    trace.roots[0].path, NamedList(changed)));
    return;
  }

  trace.notes.push_back(
      fmt::format("the program wrote {}, which is not judged", NamedList(changed)));
}

void CheckTemporaries(const Sandbox& sandbox, Trace& trace) {
  if (const Op* op = FindRefusedRemoval(trace)) {
    Add(trace, Kind::kRefused,
        fmt::format(
            "{} tried to move or remove {} ({}), which is outside the judged directory: use "
            "--also-dir {}",
            trace.processes[static_cast<size_t>(op->process)].program, op->path, op->call,
            DirectoryOf(op->path)));
    return;
  }

  // A program that succeeds did not need what it could not see.
  if (trace.exit_status == 0) return;
  for (const std::string& word : trace.command) {
    if (!word.starts_with("/") || !IsTemporary(trace, word)) continue;
    const std::string directory = DirectoryOf(word);
    if (!IsMissing(sandbox, directory)) continue;
    trace.notes.push_back(
        fmt::format("the command could not see {}, because temporary directories "
                    "are private to each run: --also-dir {} shows and judges it",
                    directory, directory));
  }
}

}  // namespace oldornew
