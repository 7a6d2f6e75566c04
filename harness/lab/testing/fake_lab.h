// Fake lab: runs functions where a real lab runs commands, without sandbox and process. What an
// explorer finds in a program is tested with it in milliseconds.
//
//   FakeLab lab([](FakeProcess& p) {
//     const int fd = p.Open("f.tmp", O_WRONLY | O_CREAT | O_TRUNC);
//     p.Write(fd, "new");
//     p.Close(fd);
//     return p.Rename("f.tmp", "f") == 0 ? 0 : 1;
//   });
//
// Time is counted, not waited for: each call takes a millisecond of it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "lab/lab.h"
#include "lab/testing/fake_process.h"

namespace oldornew::testing {

/// A tree with these files, mode 0644; names with "/" need their directories in it (with "/" at the
/// end, and no content).
FileTree TreeOf(const std::map<std::string, std::string>& files);

class FakeLab final : public Lab {
 public:
  /// `program` is the recorded command, whose command line is {"program"}.
  explicit FakeLab(FakeProgram program,
                   std::chrono::milliseconds time_limit = std::chrono::milliseconds(1000));

  /// Another command, as --recover: what runs when the first word of the command line is `name`.
  void Know(const std::string& name, FakeProgram program) { programs_[name] = std::move(program); }
  /// --view and --check.
  void Answer(CheckerPool checkers) { checkers_ = std::move(checkers); }
  /// So many runs were made.
  uint64_t runs() const { return runs_; }

  // Lab. One run at a time: its size is 1.
  bool CanRun() const override { return true; }
  bool CanFillDisks() const override { return false; }
  const std::string& working_directory() const override;
  /// REQUIRES: no `space`.
  Result<Trace> Run(size_t index, const RunSpec& run, const FileTree* old,
                    const SpaceLimit* space = nullptr) override;
  Result<const CheckerPool*> Checkers() override { return &checkers_; }
  Status PrepareRuns() override { return {}; }
  void WaitUntil(std::chrono::steady_clock::time_point when) override;

 private:
  std::map<std::string, FakeProgram> programs_;
  CheckerPool checkers_;
  FileTree there_;  ///< what the last run left
  FakeMachine machine_;
  uint64_t runs_ = 0;
};

}  // namespace oldornew::testing
