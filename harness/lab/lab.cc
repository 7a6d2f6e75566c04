#include "lab/lab.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/check.h"
#include "base/text.h"
#include "lab/command_checker.h"

namespace oldornew {

unsigned Lab::jobs() const {
  return spec_.jobs > 0 ? static_cast<unsigned>(spec_.jobs)
                        : std::max(1u, std::thread::hardware_concurrency());
}

const std::string& Lab::working_directory() const {
  CHECK(recorded_ != nullptr);
  return recorded_->working_directory();
}

Result<Trace> Lab::Run(size_t index, const RunSpec& run, const FileTree* old,
                       const SpaceLimit* space) {
  CHECK(recorded_ != nullptr);
  Sandbox& sandbox = At(index);
  if (old != nullptr) RETURN_IF_ERROR(sandbox.Present(*old));
  if (space != nullptr) RETURN_IF_ERROR(sandbox.LimitSpace(RootRole::kJudged, *space));
  return RecordIn(sandbox, run);
}

// They lie in memory where that is to be had: recovering databases sync much, and what a disk would
// do then is no part of the question.
Result<const CheckerPool*> Lab::Checkers() {
  if (!checkers_.empty() || (spec_.view.empty() && spec_.check.empty())) return &checkers_;
  if (recorded_ == nullptr) {
    return FailWith(ExitCode::kUsage,
                    "--view and --check need a run; they cannot be asked of a saved trace");
  }

  SandboxSpec spec = spec_.sandbox;
  if (spec.work_parent.empty() && access("/dev/shm", W_OK | X_OK) == 0)
    spec.work_parent = "/dev/shm";
  KeepVisible({"sh", "-c", spec_.view, spec_.check}, &spec);
  for (unsigned i = 0; i < jobs(); ++i) {
    ASSIGN_OR_RETURN(Sandbox sandbox, Sandbox::Create(spec));
    for_checkers_.push_back(std::move(sandbox));
  }
  for (Sandbox& sandbox : for_checkers_) {
    checkers_.push_back({MakeChecker(&sandbox, spec_.view, spec_.run.time_limit),
                         MakeChecker(&sandbox, spec_.check, spec_.run.time_limit)});
  }
  return &checkers_;
}

Status Lab::PrepareRuns() {
  if (recorded_ == nullptr || !alike_.empty()) return {};
  SandboxSpec spec = spec_.sandbox;
  spec.in_memory = true;
  spec.start_empty = true;
  KeepVisible(spec_.run.command, &spec);
  for (unsigned i = 0; i < jobs(); ++i) {
    auto sandbox = Sandbox::Create(spec);
    if (!sandbox && sandbox.error().exit_code == ExitCode::kInterrupted)
      return tl::unexpected(std::move(sandbox).error());
    if (!sandbox) break;
    alike_.push_back(std::move(*sandbox));
  }
  return {};
}

void Lab::WaitUntil(std::chrono::steady_clock::time_point when) {
  std::this_thread::sleep_until(when);
}

}  // namespace oldornew
