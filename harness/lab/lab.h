// Lab: what explorers run commands with: sandboxes that are alike, the user's own commands, and the
// recorded command itself.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "oracle/checker.h"
#include "oracle/question.h"
#include "run/record.h"

namespace oldornew {

/// What a lab is made of.
struct LabSpec {
  SandboxSpec sandbox;  ///< of the recorded run
  RunSpec run;          ///< of the recorded run
  std::string view;     ///< --view; empty: none
  std::string check;    ///< --check; empty: none
  int jobs = 0;         ///< sandboxes and threads side by side; 0: one for each processor
};

class Lab {
 public:
  /// `recorded` is the sandbox of the recorded run, or null: of a trace that was loaded or imported
  /// nothing can be run again. It must outlive this.
  Lab(LabSpec spec, Sandbox* recorded) : spec_(std::move(spec)), recorded_(recorded) {}
  virtual ~Lab() = default;

  /// The recorded command can be run again.
  virtual bool CanRun() const { return recorded_ != nullptr; }
  /// How the recorded command was run.
  const RunSpec& run() const { return spec_.run; }
  /// Threads to use; at least 1.
  unsigned jobs() const;
  /// Sandboxes for runs side by side; at least 1.
  virtual size_t size() const { return alike_.empty() ? 1 : alike_.size(); }
  /// Full disks can be had: the sandboxes lie in memory.
  virtual bool CanFillDisks() const { return !alike_.empty(); }
  /// Where commands start, as they see it.
  virtual const std::string& working_directory() const;

  /// Runs `run` in sandbox number `index`: first the sandbox is made to hold `old`, or, if that is
  /// null, keeps what the last run there left; `space`, if given, limits its room. Thread-safe for
  /// different indices. Errors: those of Sandbox::Present, LimitSpace and RecordIn.
  virtual Result<Trace> Run(size_t index, const RunSpec& run, const FileTree* old,
                            const SpaceLimit* space = nullptr);

  /// The user's own commands; empty without --view and --check. Made when first asked for. Errors:
  /// usage (there is no run), those of Sandbox::Create.
  virtual Result<const CheckerPool*> Checkers();

  /// Makes the sandboxes for further runs: in memory, where runs are fast and disks can be full;
  /// where that is not to be had the recorded one is used. Errors: interrupted.
  virtual Status PrepareRuns();

  /// Comes back at `when` or later, so that a run that follows has other timestamps.
  virtual void WaitUntil(std::chrono::steady_clock::time_point when);

 private:
  Sandbox& At(size_t index) { return alike_.empty() ? *recorded_ : alike_[index]; }

  LabSpec spec_;
  Sandbox* recorded_;
  std::vector<Sandbox> alike_;
  std::vector<Sandbox> for_checkers_;
  CheckerPool checkers_;
};

}  // namespace oldornew
