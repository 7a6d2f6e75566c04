#include "interpose/testing/recorded_run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

namespace oldornew {

std::string TestProgram(const std::string& name) {
  return std::string(OLDORNEW_BINARY_DIR) + "/harness/interpose/testing/" + name;
}

std::string PreloadLibrary() {
  return std::string(OLDORNEW_BINARY_DIR) + "/harness/interpose/preload/liboldornew_preload.so";
}

std::string PreloadLibraryWithHoles() {
  return std::string(OLDORNEW_BINARY_DIR) +
         "/harness/interpose/preload/with_holes/liboldornew_preload.so";
}

RecordedRun::RecordedRun() {
  Result<TempDir> work = TempDir::Create("oldornew-interpose-");
  CHECK(work.has_value());
  work_ = std::make_unique<TempDir>(std::move(*work));
  directory_ = work_->path() + "/judged";
  outside_ = work_->path() + "/outside";
  recording_ = work_->path() + "/recording";
  CHECK(mkdir(directory_.c_str(), 0755) == 0);
  CHECK(mkdir(outside_.c_str(), 0755) == 0);
  options.size = uint64_t{1} << 30;
}

namespace {

[[noreturn]] void Exec(const RecordedRun& run, const std::vector<std::string>& command,
                       int output) {
  if (chdir(run.directory().c_str()) != 0) _exit(127);
  dup2(output, 1);
  if (run.before_exec) run.before_exec();
  const std::string tracer = TestProgram("trace_command");
  if (!run.traced) {
    setenv("LD_PRELOAD", (run.library.empty() ? PreloadLibrary() : run.library).c_str(), 1);
    setenv("OLDORNEW_RECORDING", run.recording().c_str(), 1);
  }
  setenv("OUTSIDE", run.outside().c_str(), 1);
  for (const std::string& entry : run.environment) putenv(strdup(entry.c_str()));
  std::vector<char*> argv;
  if (run.traced)
    argv = {const_cast<char*>(tracer.c_str()), const_cast<char*>(run.recording().c_str())};
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(127);
}

}  // namespace

void RecordedRun::Run(const std::vector<std::string>& command) {
  Result<CapturedTree> captured = Capture({directory_});
  CHECK(captured.has_value());
  old_tree = std::move(*captured);
  int pipe_fds[2];
  CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0);
  if (channels_by_identity) options.channels = {{1, pipe_fds[1]}};
  unlink(recording_.c_str());
  options.roots = {directory_};
  Status created = CreateRecordingFile(recording_, options);
  CHECK(created.has_value());
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) Exec(*this, command, pipe_fds[1]);
  close(pipe_fds[1]);
  char buffer[4096];
  output.clear();
  for (ssize_t got; (got = read(pipe_fds[0], buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<size_t>(got));
  close(pipe_fds[0]);
  CHECK(waitpid(child, &wait_status, 0) == child);
  trace = Trace();
  trace.command = command;
  Decode();
}

void RecordedRun::Decode() {
  std::vector<std::string> command = trace.command;
  trace = Trace();
  trace.command = command;
  statistics = DecodeStatistics();
  trace.roots = {{directory_, RootRole::kJudged}};
  for (const Injection& injection : options.plan.injections)
    trace.plan.push_back(FormatInjection(injection));
  trace.old_tree = old_tree.tree;
  Result<CapturedTree> captured = Capture({directory_});
  CHECK(captured.has_value());
  trace.new_tree = captured->tree;
  Status decoded = DecodeRecording(recording_, old_tree, &trace, &statistics,
                                   wait_status >= 0 && WIFEXITED(wait_status));
  CHECK(decoded.has_value());
}

std::vector<std::string> RecordedRun::Summary() const {
  std::vector<std::string> lines;
  for (const Op& op : trace.ops) {
    std::string line =
        std::string(OpKindName(op.kind)) + " " + (op.kind == OpKind::kOutput ? op.name : op.path);
    if (op.kind == OpKind::kRename) line += " -> " + op.path2;
    if (op.kind == OpKind::kWrite) line += fmt::format(" {}+{}", op.offset, op.length);
    if (op.kind == OpKind::kTruncate || op.kind == OpKind::kAllocate)
      line += fmt::format(" {}>{}", op.size_before, op.size_after);
    if (op.kind == OpKind::kSetAttributes) line += fmt::format(" {:04o}", op.mode);
    if (op.kind == OpKind::kSetXattr || op.kind == OpKind::kRemoveXattr) line += " " + op.key;
    if (op.error != 0) line += " = " + ErrnoName(op.error);
    if (op.flags & kFlagInFlight) line += " (in flight)";
    lines.push_back(line);
  }
  return lines;
}

std::vector<std::string> RecordedRun::Problems() const {
  std::vector<std::string> problems;
  for (const Obstacle& obstacle : trace.obstacles) problems.push_back(obstacle.reason);
  for (std::string& mismatch : FindTreeMismatches(trace)) problems.push_back(std::move(mismatch));
  return problems;
}

}  // namespace oldornew
