#include "run/notes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "run/environment.h"
#include "run/places.h"

namespace oldornew {
namespace {

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// True when an option on the command line or in the configuration makes dpkg skip its syncs.
bool DpkgIsUnsafe(const RunSpec& run) {
  const std::string program = BaseName(run.command[0]);
  // Not dpkg-deb and the like, which do not read that configuration.
  if (program != "dpkg" && !program.starts_with("apt")) return false;

  for (const std::string& word : run.command) {
    if (Contains(word, "unsafe-io")) return true;
  }

  std::vector<std::string> files = {"/etc/dpkg/dpkg.cfg"};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/etc/dpkg/dpkg.cfg.d", error))
    files.push_back(entry.path());

  for (const std::string& file : files) {
    auto text = ReadFile(file);
    if (!text) continue;
    for (const std::string& line : Split(*text, '\n')) {
      if (line.starts_with("force-unsafe-io") || line.starts_with("--force-unsafe-io")) return true;
    }
  }
  return false;
}

void NoteSyncSwallowers(const RunSpec& run, const std::vector<std::string>& environment,
                        Trace& trace) {
  const std::string preload = ValueIn(environment, "LD_PRELOAD");
  if (Contains(preload, "eatmydata")) {
    trace.notes.push_back("LD_PRELOAD=" + preload +
                          ": libeatmydata turns every fsync of the program into a no-op");
  } else if (!preload.empty()) {
    trace.notes.push_back("LD_PRELOAD=" + preload + " may change which calls the program makes");
  }

  if (DpkgIsUnsafe(run))
    trace.notes.push_back("dpkg runs with force-unsafe-io, so it does not sync its files");

  const std::string git = ValueIn(environment, "GIT_TEST_FSYNC");
  if (!git.empty()) trace.notes.push_back("GIT_TEST_FSYNC=" + git + ": git may skip fsync");
}

void NoteFailedCalls(const Sandbox& sandbox, Trace& trace) {
  std::set<std::string> seen;
  for (const Op& op : trace.ops) {
    if ((op.flags & kFlagInjected) != 0) continue;
    if (op.error != EOPNOTSUPP && op.error != EINVAL && op.error != EXDEV && op.error != ENOSYS)
      continue;

    // One note for each call and error.
    if (!seen.insert(op.call + ErrnoName(op.error)).second) continue;

    const std::string call =
        op.call == "ioctl" ? fmt::format("ioctl({}, FICLONE)", op.path) : DescribeShort(op);
    const std::string what = fmt::format("{} failed with {}", call, ErrnoName(op.error));
    if (op.error == EXDEV) {
      trace.notes.push_back(what + ": in the sandbox these directories are on different devices");
    } else {
      trace.notes.push_back(
          fmt::format("{} on {}: it may succeed on another file system (--work-dir chooses one)",
                      what, sandbox.file_system()));
    }
  }
}

void NoteTemporaryDevice(const std::vector<std::string>& environment, const Sandbox& sandbox,
                         Trace& trace) {
  const std::string temporary = ValueIn(environment, "TMPDIR");
  struct stat a;
  struct stat b;
  if (temporary.empty() || sandbox.isolation() == Isolation::kNone) return;
  if (stat(temporary.c_str(), &a) != 0 || stat(sandbox.roots()[0].seen_path.c_str(), &b) != 0)
    return;
  if (a.st_dev == b.st_dev) return;

  trace.notes.push_back(fmt::format("TMPDIR={} is on another device than {}", temporary,
                                    sandbox.roots()[0].seen_path));
}

bool IsJudgedPath(const Trace& trace, const std::string& path) {
  if (!path.starts_with("/")) return true;  // relative to the judged directory
  for (const Root& root : trace.roots) {
    if (root.role == RootRole::kJudged && IsWithin(path, root.path)) return true;
  }
  return false;
}

}  // namespace

void AddEnvironmentNotes(const Sandbox& sandbox, const RunSpec& run,
                         const std::vector<std::string>& environment, Trace& trace) {
  NoteSyncSwallowers(run, environment, trace);
  NoteTemporaryDevice(environment, sandbox, trace);
  NoteFailedCalls(sandbox, trace);
  if (geteuid() == 0)
    trace.notes.push_back("running as root: permission errors (EACCES) never happen by themselves");
}

bool ChangedSomethingJudged(const Trace& trace) {
  for (size_t i = 0; i < trace.roots.size(); ++i) {
    if (trace.roots[i].role != RootRole::kJudged) continue;
    const Digest before = trace.old_tree.KeyDigest(trace.old_tree.roots()[i], true);
    if (before != trace.new_tree.KeyDigest(trace.new_tree.roots()[i], true)) return true;
  }

  // Equal trees: something may have been changed and changed back.
  for (const Op& op : trace.ops) {
    if (op.error == 0 && ChangesTree(op.kind) && IsJudgedPath(trace, op.path)) return true;
  }
  return false;
}

std::string NamedList(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<long>(std::min(names.size(), kShown)));

  std::string text = Join(shown, ", ");
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

}  // namespace oldornew
