#include "cli/session.h"

#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "import/import.h"
#include "model/profile_file.h"
#include "trace/format.h"

namespace oldornew {

SandboxSpec SandboxSpecOf(const Options& options) {
  SandboxSpec spec;
  spec.directory = options.directory;
  spec.also_directories = options.also_directories;
  spec.work_parent = options.work_directory;
  spec.tmp_on_other_device = options.tmp_on_other_device;
  return spec;
}

RunSpec RunSpecOf(const Options& options) {
  RunSpec run;
  run.command = options.command;
  run.backend = options.backend;
  run.stdin_path = options.stdin_path;
  run.until = options.until;
  run.ack_fd = options.ack_fd;
  for (const std::string& text : options.inject) {
    if (options.subcommand != Subcommand::kRecord) break;  // check runs it without, too
    // checked before
    if (auto injection = ParseInjection(text)) run.plan.injections.push_back(*injection);
  }
  run.time_limit = std::chrono::milliseconds(static_cast<int64_t>(options.timeout_seconds * 1000));
  return run;
}

RecordSpec RecordSpecOf(const Options& options) {
  RecordSpec spec;
  spec.sandbox = SandboxSpecOf(options);
  spec.run = RunSpecOf(options);
  if (!options.setup.empty()) spec.setup = {"sh", "-c", options.setup};
  return spec;
}

Result<Recording> ObtainTrace(const Options& options) {
  if (!options.log.empty()) {
    Recording recording;
    ASSIGN_OR_RETURN(recording.trace, ImportStrace({options.log, options.root, options.start,
                                                    options.old_directory, options.new_directory}));
    return recording;
  }
  if (!options.trace_path.empty() && options.subcommand != Subcommand::kRecord) {
    Recording recording;
    ASSIGN_OR_RETURN(recording.trace, ReadTrace(options.trace_path));
    return recording;
  }
  return Record(RecordSpecOf(options));
}

Result<ProfileTable> LoadProfiles(const Options& options) {
  if (options.profiles_file.empty()) return ProfileTable::BuiltIn();
  const auto text = ReadFile(options.profiles_file);
  if (!text) return FailWith(ExitCode::kUsage, "{}", text.error().message);
  return ParseProfileFile(*text, options.profiles_file);
}

Status SaveTrace(const Trace& trace, const std::string& path) {
  const std::string to = path.empty() ? "oldornew.trace" : path;
  RETURN_IF_ERROR(WriteTrace(trace, to));
  std::string summary =
      fmt::format("oldornew: {}: {} of {}, exit status {}, {}\n", to, Count(trace.ops.size(), "op"),
                  trace.processes.size() == 1 ? "1 process"
                                              : fmt::format("{} processes", trace.processes.size()),
                  trace.exit_status,
                  trace.obstacles.empty() ? "complete"
                  : trace.CanBeJudged()   ? "not proved complete:"
                                          : "cannot be judged:");
  for (const Obstacle& obstacle : trace.obstacles)
    summary += fmt::format("oldornew:   {}\n", obstacle.reason);
  std::fputs(summary.c_str(), stderr);
  return {};
}

Result<ChosenProfiles> ChooseProfiles(const Options& options) {
  ChosenProfiles chosen;
  ASSIGN_OR_RETURN(chosen.table, LoadProfiles(options));
  if (!options.profiles.empty()) {
    ASSIGN_OR_RETURN(chosen.asked, chosen.table.Select(options.profiles));
    return chosen;
  }
  ASSIGN_OR_RETURN(chosen.asked, chosen.table.Select({"mainstream"}));
  ASSIGN_OR_RETURN(chosen.pedantic, chosen.table.Select({"posix"}));
  return chosen;
}

Status MakeEmptyDirectory(const std::string& path) {
  RETURN_IF_ERROR(MakeDirectories(path));
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) return Fail("cannot list {}: {}", path, ErrnoText(errno));
  int entries = 0;
  while (readdir(dir) != nullptr) ++entries;
  closedir(dir);
  if (entries > 2) return FailWith(ExitCode::kUsage, "{} is not empty", path);
  return {};
}

bool WantColour() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace oldornew
