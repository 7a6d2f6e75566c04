#include "run/record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <set>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "interpose/decode.h"
#include "interpose/launch.h"
#include "interpose/recording.h"
#include "run/doctor_probes.h"
#include "run/environment.h"
#include "run/notes.h"
#include "run/places.h"
#include "run/start_command.h"

namespace oldornew {
namespace {

using Kind = Obstacle::Kind;

// The pipe behind --ack-fd. What is written there is in the recording; here it is only taken away,
// so that the writer never waits. Everything that could write is gone when this goes: it ends the
// run's own copy of the writing end last.
class AckPipe {
 public:
  AckPipe() = default;
  AckPipe(const AckPipe&) = delete;
  AckPipe& operator=(const AckPipe&) = delete;
  ~AckPipe() {
    writer_.Reset();
    if (drain_.joinable()) drain_.join();
  }
  Status Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return Fail("cannot make a pipe: {}", ErrnoText(errno));
    reader_.Reset(ends[0]);
    writer_.Reset(ends[1]);
    drain_ = std::thread([fd = reader_.get()] {
      char buffer[4096];
      ssize_t count = 0;
      do {
        count = read(fd, buffer, sizeof buffer);
      } while (count > 0 || (count < 0 && errno == EINTR));
    });
    return {};
  }
  int writer() const { return writer_.get(); }

 private:
  UniqueFd reader_;
  UniqueFd writer_;
  std::thread drain_;
};

std::vector<std::string> FullEnvironment(const Sandbox& sandbox, const RunSpec& run) {
  std::vector<std::string> environment = CallersEnvironment();
  for (const auto* edits : {&sandbox.environment(), &run.environment}) {
    for (const std::string& edit : *edits) EditEnvironment(environment, edit);
  }
  return environment;
}

bool IsExecutableFile(const std::string& path) {
  struct stat st;
  return stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode) && access(path.c_str(), X_OK) == 0;
}

/// The one recorded run of RecordIn, step by step.
class Recorder {
 public:
  Recorder(Sandbox& sandbox, const RunSpec& run) : sandbox_(sandbox), run_(run) {
    environment_ = FullEnvironment(sandbox, run);
    const std::string name = fmt::format("recording-{}", ++serial);
    on_disk_ = JoinPath(sandbox.recorder_path(), name);
    seen_ = JoinPath(sandbox.seen_recorder_path(), name);
  }
  ~Recorder() { (void)std::remove(on_disk_.c_str()); }

  Result<Trace> Record() {
    DescribeSandbox();
    ASSIGN_OR_RETURN(CapturedTree before, CaptureRoots());
    trace_.old_tree = before.tree;
    if (auto backend = ChooseBackend(); !backend) {
      trace_.new_tree = before.tree;
      Add(Kind::kUnsupported, backend.error().message);
      return std::move(trace_);
    }
    const std::vector<std::string> home_before = sandbox_.HomeChanges();
    ASSIGN_OR_RETURN(const RunResult result, RunIt());
    ASSIGN_OR_RETURN(CapturedTree after, CaptureRoots());
    trace_.new_tree = std::move(after.tree);
    TakeResult(result);
    JudgeRoom();
    RETURN_IF_ERROR(DecodeRecording(on_disk_, before, &trace_, nullptr,
                                    result.main_ended && result.signal == 0, &sandbox_.unwinder()));
    JudgeLostRights();
    // A process cut off by the time limit leaves a difference only as a consequence.
    for (std::string& mismatch : FindTreeMismatches(trace_, &trace_.notes))
      Add(Kind::kIncomplete, std::move(mismatch));
    JudgeHome(home_before);
    JudgeTemporaries();
    AddEnvironmentNotes(sandbox_, run_, environment_, trace_);
    return std::move(trace_);
  }

 private:
  static inline std::atomic<uint64_t> serial = 0;

  void Add(Kind kind, std::string reason) { trace_.obstacles.push_back({kind, std::move(reason)}); }

  void DescribeSandbox() {
    trace_.command = run_.command;
    for (const Injection& injection : run_.plan.injections)
      trace_.plan.push_back(FormatInjection(injection));
    trace_.plan_matches.resize(trace_.plan.size());
    trace_.file_system = sandbox_.file_system();
    trace_.notes = sandbox_.notes();
    for (const SandboxRoot& root : sandbox_.roots())
      trace_.roots.push_back({root.seen_path, root.role});
    trace_.started_at =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count());
  }

  Result<CapturedTree> CaptureRoots() const {
    std::vector<std::string> paths;
    for (const SandboxRoot& root : sandbox_.roots()) paths.push_back(root.disk_path);
    return Capture(paths);
  }

  /// Sets traced_. Errors: why neither of the backends that the caller allows can record this.
  Status ChooseBackend() {
    RETURN_IF_ERROR(ChooseAmongBackends());
    if (!traced_) return {};
    if (auto tracing = doctor::ProbeTracing(); !tracing) {
      const std::string instead =
          run_.backend == Backend::kPtrace ? "" : fmt::format("{}, and ", why_traced_);
      return FailWith(ExitCode::kCannotJudge,
                      "{}programs cannot be traced here: {} (oldornew doctor says more)", instead,
                      tracing.error().message);
    }
    return {};
  }

  Status ChooseAmongBackends() {
    if (run_.command.empty()) return {};  // Run says so
    traced_ = run_.backend == Backend::kPtrace;
    if (traced_) return CheckFirstImage(CheckTraceable);
    Status dispatch = ProbeUserDispatch();
    if (!dispatch && run_.backend == Backend::kSud) {
      return FailWith(ExitCode::kCannotJudge,
                      "this machine cannot record: {} (oldornew doctor says more)",
                      dispatch.error().message);
    }
    Status enterable = dispatch ? CheckFirstImage(CheckEnterable) : dispatch;
    if (enterable || run_.backend == Backend::kSud) return enterable;
    if (auto traceable = CheckFirstImage(CheckTraceable); !traceable) return traceable;
    traced_ = true;
    why_traced_ = enterable.error().message;
    if (!dispatch) {
      trace_.notes.push_back(fmt::format("recorded by ptrace, which is complete but slow: {}",
                                         dispatch.error().message));
    }
    return {};
  }

  Status CheckFirstImage(Status (*check)(const std::string& path)) const {
    const std::string directory =
        run_.directory.empty() ? sandbox_.working_directory() : run_.directory;
    for (const std::string& candidate :
         ProgramCandidates(run_.command[0], ValueIn(environment_, "PATH"))) {
      const std::string seen =
          candidate.starts_with("/") ? candidate : JoinPath(directory, candidate);
      // A program in a private temporary directory is the machine's own, kept visible there.
      for (const std::string& path : {sandbox_.OnDisk(seen), seen}) {
        if (!IsExecutableFile(path)) continue;
        Status enterable = check(path);
        if (enterable) return {};
        // People know the program by the path that the command sees, not by where its copy lies.
        std::string message = enterable.error().message;
        if (const size_t at = message.find(path); at != std::string::npos)
          message.replace(at, path.size(), candidate);
        return tl::unexpected(Error{message, enterable.error().exit_code});
      }
    }
    return {};
  }

  Result<RunResult> RunIt() {
    RunSpec run = run_;
    AckPipe acknowledgements;
    if (run.ack_fd >= 0) {
      RETURN_IF_ERROR(acknowledgements.Open());
      run.descriptors.emplace_back(acknowledgements.writer(), run.ack_fd);
    }
    run.traced_recording = run_.backend != Backend::kSud ? seen_ : "";
    run.tracer_stands_by = !traced_;
    if (traced_) trace_.backend = "ptrace";  // should it be killed before it has made a call
    if (!traced_) {
      ASSIGN_OR_RETURN(const std::string library, FindPreload());
      run.environment = PreloadEnvironment(environment_, library, seen_);
      // What was removed from the caller's environment stays removed.
      for (const std::string& edit : run_.environment) {
        if (edit.find('=') == std::string::npos) run.environment.push_back(edit);
      }
    }
    run.before_start = [this, &acknowledgements](int stdout_fd, int stderr_fd) -> Status {
      RecordingOptions options;
      if (sandbox_.in_memory()) options.first_room = 0;
      options.channels = {{1, stdout_fd}, {2, stderr_fd}};
      if (run_.ack_fd >= 0) options.channels.emplace_back(run_.ack_fd, acknowledgements.writer());
      if (sandbox_.isolation() == Isolation::kNone) {
        RETURN_IF_ERROR(AllowRoots(options));
      } else {
        options.refuse_read_only = true;
      }
      options.plan = run_.plan;
      for (const SandboxRoot& root : sandbox_.roots()) options.roots.push_back(root.seen_path);
      RETURN_IF_ERROR(CreateRecordingFile(on_disk_, options));
      return run_.before_start ? run_.before_start(stdout_fd, stderr_fd) : Status{};
    };
    return Run(sandbox_, run);
  }

  Status AllowRoots(RecordingOptions& options) const {
    std::vector<std::string> paths;
    for (const SandboxRoot& root : sandbox_.roots()) paths.push_back(root.disk_path);
    for (const std::string& edit : sandbox_.environment()) {
      if (edit.starts_with("HOME=")) paths.push_back(edit.substr(5));
    }
    for (const std::string& path : paths) {
      struct stat st;
      if (stat(path.c_str(), &st) != 0) return Fail("cannot see {}", path);
      options.allowed_roots.push_back({st.st_dev, st.st_ino});
    }
    return {};
  }

  void TakeResult(const RunResult& result) {
    trace_.exit_status = result.exit_status;
    trace_.stdout_bytes = result.stdout_bytes;
    trace_.stderr_bytes = result.stderr_bytes;
    trace_.duration_ns = result.duration_ns;
    if (result.output_cut) {
      trace_.notes.push_back(
          fmt::format("the program wrote more than {} of output; the rest is not kept",
                      ByteSize(run_.output_limit)));
    }
    for (std::string& reason : WhyNotOver(run_, result)) Add(Kind::kIncomplete, std::move(reason));
  }

  /// A full file system under the private copy is no fact about the program.
  void JudgeRoom() {
    constexpr uint64_t kLeast = uint64_t{64} << 10;
    struct statvfs vfs;
    if (statvfs(sandbox_.recorder_path().c_str(), &vfs) != 0 ||
        uint64_t{vfs.f_bfree} * vfs.f_frsize >= kLeast)
      return;
    Add(Kind::kIncomplete, fmt::format("there is no room left in {}, where the private copy and "
                                       "the recording lie: choose another "
                                       "place with --work-dir",
                                       sandbox_.recorder_path()));
  }

  /// In a namespace of the unprivileged, set-user-ID programs run without their rights. We record
  /// all of it, but it is not what they do outside.
  void JudgeLostRights() {
    std::set<std::string> programs;
    for (const Process& process : trace_.processes) {
      if (process.entered) programs.insert(process.program);
    }
    for (const std::string& program : programs) {
      struct stat st;
      const std::string path = sandbox_.OnDisk(program);
      if (stat(path.c_str(), &st) != 0 || (st.st_mode & (S_ISUID | S_ISGID)) == 0) continue;
      if (auto enterable = CheckEnterable(path); !enterable)
        Add(Kind::kUnsupported,
            enterable.error().message + "; in the sandbox it ran without those rights");
    }
  }

  /// $HOME is thrown away: what was written there was not judged, which matters most when nothing
  /// else was written.
  void JudgeHome(const std::vector<std::string>& before) {
    std::vector<std::string> changed;
    for (const std::string& path : sandbox_.HomeChanges()) {
      if (!std::binary_search(before.begin(), before.end(), path)) changed.push_back("~/" + path);
    }
    if (changed.empty()) return;
    if (!ChangedSomethingJudged(trace_)) {
      Add(Kind::kUnsupported,
          fmt::format("the program changed nothing in {} but changed {}, which is not "
                      "judged: use --dir ~ or --also-dir",
                      trace_.roots[0].path, NamedList(changed)));
      return;
    }
    trace_.notes.push_back(fmt::format("wrote {}: not judged", NamedList(changed)));
  }

  bool IsTemporary(const std::string& path) const {
    return std::any_of(trace_.roots.begin(), trace_.roots.end(), [&](const Root& root) {
      return root.role == RootRole::kTemporary && IsWithin(path, root.path);
    });
  }

  /// Temporary directories are private; only what the command names is shown there, and cannot be
  /// moved away. Whoever tries that, or fails for want of what the machine has there, has to be
  /// told.
  void JudgeTemporaries() {
    const auto directory_of = [](const std::string& path) {
      return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
    };
    for (const Op& op : trace_.ops) {
      if (op.error != EBUSY || (op.flags & kFlagInjected) != 0 ||
          (op.kind != OpKind::kUnlink && op.kind != OpKind::kRename))
        continue;
      if (!IsTemporary(op.path)) continue;
      Add(Kind::kRefused,
          fmt::format("{} would take away {} ({}), outside the judged directory: use --also-dir {}",
                      trace_.processes[static_cast<size_t>(op.process)].program, op.path, op.call,
                      directory_of(op.path)));
      return;
    }
    for (const std::string& word : run_.command) {
      if (trace_.exit_status == 0 || !word.starts_with("/") || !IsTemporary(word)) continue;
      const std::string directory = directory_of(word);
      std::error_code error;
      if (!std::filesystem::is_directory(directory, error)) continue;
      if (std::filesystem::is_directory(sandbox_.OnDisk(directory), error)) continue;
      trace_.notes.push_back(fmt::format(
          "{} was not there for the command: temporary directories are private to the run. "
          "--also-dir {} shows and judges it",
          directory, directory));
    }
  }

  Sandbox& sandbox_;
  const RunSpec& run_;
  std::vector<std::string> environment_;
  std::string on_disk_;
  std::string seen_;
  bool traced_ = false;
  std::string why_traced_;  // empty: because it was asked for
  Trace trace_;
};

Status RunSetup(const Sandbox& sandbox, const RecordSpec& spec) {
  RunSpec setup = spec.run;
  setup.command = spec.setup;
  setup.stdin_path.clear();
  setup.before_start = nullptr;
  ASSIGN_OR_RETURN(const RunResult result, Run(sandbox, setup));
  const std::string what = ShellQuote(spec.setup);
  const std::vector<std::string> why = WhyNotOver(setup, result);
  if (!why.empty()) return FailWith(ExitCode::kBaselineFailed, "setup {}: {}", what, why[0]);
  if (result.exit_status == 0) return {};
  return FailWith(ExitCode::kBaselineFailed, "setup {} failed with exit status {}: {}", what,
                  result.exit_status, Quote(result.stderr_bytes, 400));
}

}  // namespace

std::optional<std::string> FindProgram(const std::string& program, const std::string& path,
                                       const std::string& directory) {
  for (const std::string& candidate : ProgramCandidates(program, path)) {
    const std::string full =
        candidate.starts_with("/") ? candidate : JoinPath(directory, candidate);
    if (IsExecutableFile(full)) return full;
  }
  return std::nullopt;
}

void KeepVisible(const std::vector<std::string>& command, SandboxSpec* sandbox) {
  for (size_t i = 0; i < command.size(); ++i) {
    const std::string& word = command[i];
    if (i == 0 && word.find('/') == std::string::npos) {
      if (auto program = FindProgram(word, EnvironmentVariable("PATH"), "."))
        sandbox->visible.push_back(*program);
      continue;
    }
    const bool text = word.find_first_of(" \t\n;|&") != std::string::npos;
    if (word.find('/') == std::string::npos && !text) continue;
    sandbox->visible.push_back(word);
    // Paths within a word: --file=some/path, and whatever a shell would take apart.
    constexpr std::string_view kBetween = " \t\n'\"`$(){};|&<>=,";
    for (size_t at = 0; at < word.size();) {
      const size_t begin = word.find_first_not_of(kBetween, at);
      if (begin == std::string::npos) break;
      at = std::min(word.find_first_of(kBetween, begin), word.size());
      const std::string part = word.substr(begin, at - begin);
      if (part.find('/') != std::string::npos) {
        if (part != word) sandbox->visible.push_back(part);
      } else if (text) {
        if (auto program = FindProgram(part, EnvironmentVariable("PATH"), "."))
          sandbox->visible.push_back(*program);
      }
    }
  }
  if (auto library = FindPreload()) sandbox->visible.push_back(*library);
}

Result<Trace> RecordIn(Sandbox& sandbox, const RunSpec& run) {
  return Recorder(sandbox, run).Record();
}

Result<Recording> Record(const RecordSpec& spec) {
  if (spec.run.command.empty()) return FailWith(ExitCode::kUsage, "no command was given");
  SandboxSpec sandbox_spec = spec.sandbox;
  if (!spec.setup.empty()) KeepVisible(spec.setup, &sandbox_spec);
  KeepVisible(spec.run.command, &sandbox_spec);
  ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(sandbox_spec));
  Recording recording;
  recording.sandbox = std::make_unique<Sandbox>(std::move(sandbox));
  if (!spec.setup.empty()) RETURN_IF_ERROR(RunSetup(*recording.sandbox, spec));
  ASSIGN_OR_RETURN(recording.trace, RecordIn(*recording.sandbox, spec.run));
  return recording;
}

}  // namespace oldornew
