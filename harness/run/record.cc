#include "run/record.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>

#include "base/files.h"
#include "base/text.h"
#include "interpose/decode.h"
#include "interpose/launch.h"
#include "interpose/recording.h"
#include "run/ack_pipe.h"
#include "run/backend_choice.h"
#include "run/environment.h"
#include "run/notes.h"
#include "run/obstacles.h"
#include "run/places.h"

namespace oldornew {
namespace {

std::vector<std::string> FullEnvironment(const Sandbox& sandbox, const RunSpec& run) {
  std::vector<std::string> environment = CallersEnvironment();
  for (const auto* edits : {&sandbox.environment(), &run.environment}) {
    for (const std::string& edit : *edits) EditEnvironment(environment, edit);
  }
  return environment;
}

/// The one recorded run of RecordIn, step by step.
class Recorder {
 public:
  Recorder(Sandbox& sandbox, const RunSpec& run)
      : sandbox_(sandbox), run_(run), environment_(FullEnvironment(sandbox, run)) {
    static std::atomic<uint64_t> serial = 0;
    const std::string name = fmt::format("recording-{}", ++serial);
    on_disk_ = JoinPath(sandbox.recorder_path(), name);
    seen_ = JoinPath(sandbox.seen_recorder_path(), name);
  }
  ~Recorder() { (void)std::remove(on_disk_.c_str()); }

  Result<Trace> Record() {
    DescribeRun();
    ASSIGN_OR_RETURN(CapturedTree before, CaptureRoots());
    trace_.old_tree = before.tree;

    // A program that cannot be recorded is not run at all.
    auto backend = ChooseBackend(sandbox_, run_, environment_);
    if (!backend) {
      trace_.new_tree = before.tree;
      trace_.obstacles.push_back({Obstacle::Kind::kUnsupported, backend.error().message});
      return std::move(trace_);
    }
    traced_ = backend->traced;
    if (!backend->note.empty()) trace_.notes.push_back(backend->note);

    const std::vector<std::string> home_before = sandbox_.HomeChanges();
    ASSIGN_OR_RETURN(const RunResult result, RunIt());
    ASSIGN_OR_RETURN(CapturedTree after, CaptureRoots());
    trace_.new_tree = std::move(after.tree);
    TakeResult(result);

    CheckRoom(sandbox_, trace_);
    RETURN_IF_ERROR(DecodeRecording(on_disk_, before, &trace_, nullptr,
                                    result.main_ended && result.signal == 0, &sandbox_.unwinder()));
    CheckLostRights(sandbox_, trace_);
    // After the obstacle of a time limit: a process that was cut off differs only because of that.
    for (std::string& mismatch : FindTreeMismatches(trace_, &trace_.notes)) AddIncomplete(mismatch);
    CheckHome(sandbox_, home_before, trace_);
    CheckTemporaries(sandbox_, trace_);
    AddEnvironmentNotes(sandbox_, run_, environment_, trace_);
    return std::move(trace_);
  }

 private:
  void AddIncomplete(std::string& reason) {
    trace_.obstacles.push_back({Obstacle::Kind::kIncomplete, std::move(reason)});
  }

  void DescribeRun() {
    trace_.command = run_.command;
    for (const Injection& injection : run_.plan.injections)
      trace_.plan.push_back(FormatInjection(injection));
    trace_.plan_matches.resize(trace_.plan.size());

    trace_.file_system = sandbox_.file_system();
    trace_.notes = sandbox_.notes();
    for (const SandboxRoot& root : sandbox_.roots())
      trace_.roots.push_back({root.seen_path, root.role});

    const auto now = std::chrono::system_clock::now().time_since_epoch();
    trace_.started_at =
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  }

  Result<CapturedTree> CaptureRoots() const {
    std::vector<std::string> paths;
    for (const SandboxRoot& root : sandbox_.roots()) paths.push_back(root.disk_path);
    return Capture(paths);
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
    if (traced_) {
      trace_.backend = "ptrace";  // in case the program is killed before its first call
    } else {
      RETURN_IF_ERROR(SetPreloadEnvironment(run));
    }

    run.before_start = [this, &acknowledgements](int stdout_fd, int stderr_fd) -> Status {
      RETURN_IF_ERROR(MakeRecording({{1, stdout_fd}, {2, stderr_fd}}, acknowledgements.writer()));
      return run_.before_start ? run_.before_start(stdout_fd, stderr_fd) : Status{};
    };
    return Run(sandbox_, run);
  }

  Status SetPreloadEnvironment(RunSpec& run) const {
    ASSIGN_OR_RETURN(const std::string library, FindPreload());
    run.environment = PreloadEnvironment(environment_, library, seen_);

    // What was removed from the caller's environment stays removed.
    for (const std::string& edit : run_.environment) {
      if (edit.find('=') == std::string::npos) run.environment.push_back(edit);
    }
    return {};
  }

  /// `channels`: what counts as output, as (number in the command, descriptor of ours).
  Status MakeRecording(std::vector<std::pair<int, int>> channels, int ack_writer) const {
    RecordingOptions options;
    options.channels = std::move(channels);
    if (run_.ack_fd >= 0) options.channels.emplace_back(run_.ack_fd, ack_writer);
    if (sandbox_.in_memory()) options.first_room = 0;
    options.plan = run_.plan;
    for (const SandboxRoot& root : sandbox_.roots()) options.roots.push_back(root.seen_path);

    // Without a view only the preload library keeps the program inside the copy.
    if (sandbox_.isolation() == Isolation::kNone) {
      RETURN_IF_ERROR(AllowRoots(options));
    } else {
      options.refuse_read_only = true;
    }
    return CreateRecordingFile(on_disk_, options);
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
    for (std::string& reason : WhyNotOver(run_, result)) AddIncomplete(reason);
  }

  Sandbox& sandbox_;
  const RunSpec& run_;
  std::vector<std::string> environment_;  // complete, without the recorder's own variables
  std::string on_disk_;                   // the recording, as this process reaches it
  std::string seen_;                      // and as the command sees it
  bool traced_ = false;                   // BackendChoice::traced
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

void KeepProgramVisible(const std::string& name, SandboxSpec& sandbox) {
  if (auto program = FindProgram(name, EnvironmentVariable("PATH"), "."))
    sandbox.visible.push_back(*program);
}

void KeepWordVisible(const std::string& word, bool is_program, SandboxSpec& sandbox) {
  const bool is_path = word.find('/') != std::string::npos;
  if (is_program && !is_path) {
    KeepProgramVisible(word, sandbox);
    return;
  }

  const bool is_shell_text = word.find_first_of(" \t\n;|&") != std::string::npos;
  if (!is_path && !is_shell_text) return;
  sandbox.visible.push_back(word);

  // Paths within a word: --file=some/path, and whatever a shell would take apart. In shell text any
  // other part may be the name of a program.
  constexpr std::string_view kBetween = " \t\n'\"`$(){};|&<>=,";
  for (size_t at = 0; at < word.size();) {
    const size_t begin = word.find_first_not_of(kBetween, at);
    if (begin == std::string::npos) break;
    at = std::min(word.find_first_of(kBetween, begin), word.size());

    const std::string part = word.substr(begin, at - begin);
    if (part.find('/') != std::string::npos) {
      if (part != word) sandbox.visible.push_back(part);
    } else if (is_shell_text) {
      KeepProgramVisible(part, sandbox);
    }
  }
}

}  // namespace

void KeepVisible(const std::vector<std::string>& command, SandboxSpec* sandbox) {
  for (size_t i = 0; i < command.size(); ++i) KeepWordVisible(command[i], i == 0, *sandbox);
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
