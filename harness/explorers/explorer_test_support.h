// What tests of explorers share: one recorded run with all that an explorer is given. The run is a
// real one (ExplorerTest) or that of a fake program (FakeExplorerTest): a test of either kind sets
// what is asked, explores, and looks at `result_`.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "explorers/explorer.h"
#include "lab/testing/fake_lab.h"
#include "search/search.h"

namespace oldornew::testing {

/// --view or --check as a function of the tree.
inline Checker Asks(const std::function<CheckerAnswer(const FileTree&)>& answer) {
  return [answer](const FileTree& tree, const CheckerContext&) -> Result<CheckerAnswer> {
    return answer(tree);
  };
}

inline std::string Text(const FileTree& tree, const std::string& path) {
  const auto inode = tree.Lookup(path);
  return inode ? tree.at(*inode).content.ToString() : "nothing";
}

/// A lab with real sandboxes, in which functions stand for --view and --check.
class LabWithCheckers final : public Lab {
 public:
  LabWithCheckers(LabSpec spec, Sandbox* recorded, CheckerPool pool)
      : Lab(std::move(spec), recorded), pool_(std::move(pool)) {}
  Result<const CheckerPool*> Checkers() override { return &pool_; }

 private:
  CheckerPool pool_;
};

/// What both kinds of tests do with a run that is there.
class ExplorationTest : public ::testing::Test {
 protected:
  ExplorationTest() { space_.profiles = space_.table.Select({"mainstream"}).value(); }

  // `view` and `check` judge instead of the bytes. Before the run; again for the next one.
  void Ask(Checker view, Checker check) {
    question_.view = view ? "the view of this test" : "";
    question_.check = check ? "the check of this test" : "";
    checkers_ = {{std::move(view), std::move(check)}};
  }

  // As if this axis had been explored before.
  void Before(const std::string& axis, Exploration what) {
    parts_.emplace_back(axis, std::make_unique<Exploration>(std::move(what)));
  }

  Result<Exploration> TryToExplore(Explorer& explorer) { return explorer.Explore(MakeGiven()); }

  void Explore(const std::unique_ptr<Explorer>& explorer) {
    result_ = {};
    auto result = TryToExplore(*explorer);
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
    for (const Finding& finding : result_.findings) {
      EXPECT_LT(finding.run, std::ssize(result_.runs)) << finding.message;
      EXPECT_FALSE(finding.subjects.empty()) << finding.message;
      EXPECT_TRUE(ParseToken(finding.token())) << finding.token();
    }
  }

  // What power cuts do to the plain run, for explorers that compare with it.
  void ExplorePowerBefore() {
    auto found = SearchPowerCuts(judged_, question_, space_, 1);
    ASSERT_TRUE(found) << found.error().message;
    Exploration power;
    power.findings = std::move(found->findings);
    power.coverage = found->coverage;
    Before(Finding::kPowerAxis, std::move(power));
  }

  Given MakeGiven() {
    earlier_ = {};
    for (const auto& [axis, part] : parts_) earlier_.Add(axis, part.get());
    return {*plain_, judged_, question_, space_, earlier_, *lab_};
  }

  // "SEVERITY ORACLE OUTCOME,...: MESSAGE".
  std::vector<std::string> Findings() const {
    std::vector<std::string> out;
    for (const Finding& finding : result_.findings) {
      std::vector<std::string> outcomes;
      for (const auto& [outcome, profiles] : finding.outcomes)
        outcomes.emplace_back(OutcomeName(outcome));
      out.push_back(fmt::format("{} {} {}: {}", SeverityName(finding.severity),
                                OracleName(finding.oracle), Join(outcomes, ","), finding.message));
    }
    return out;
  }

  const FurtherRun* RunOf(const std::string& id) const {
    for (const FurtherRun& run : result_.runs) {
      if (run.id == id) return &run;
    }
    return nullptr;
  }

  // `plain` and `lab` are what is explored from now on.
  void Use(const Trace& plain, Lab* lab) {
    plain_ = &plain;
    lab_ = lab;
    parts_.clear();
    auto judged = PrepareToJudge(plain, question_, checkers_);
    ASSERT_TRUE(judged) << judged.error().message;
    judged_ = std::move(*judged);
    ASSERT_THAT(judged_.unsupported, ::testing::IsEmpty());
  }

  Question question_;
  SearchSpace space_;
  CheckerPool checkers_;
  Exploration result_;
  Lab* lab_ = nullptr;

 private:
  const Trace* plain_ = nullptr;
  JudgedTrace judged_;
  std::vector<std::pair<std::string, std::unique_ptr<Exploration>>> parts_;
  Earlier earlier_;
};

/// A command that is really run, in sandboxes.
class ExplorerTest : public ExplorationTest {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-explorer-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }

  static std::string Target(const std::string& name) {
    return std::string(OLDORNEW_BINARY_DIR) + "/targets/" + name;
  }
  static std::string Puzzle(const std::string& name) { return Target("puzzles/" + name); }

  // Runs `command` after `setup` (shell text), in memory where that is to be had.
  void Record(const std::string& setup, const std::vector<std::string>& command) {
    RecordSpec spec;
    spec.sandbox.directory = dir_->path();
    spec.sandbox.in_memory = true;
    spec.run.command = command;
    if (!setup.empty()) spec.setup = {"sh", "-ec", setup};
    auto recording = oldornew::Record(spec);
    if (!recording && recording.error().exit_code == ExitCode::kCannotJudge) {
      spec.sandbox.in_memory = false;
      recording = oldornew::Record(spec);
    }
    ASSERT_TRUE(recording) << recording.error().message;
    ASSERT_THAT(recording->trace.obstacles, ::testing::IsEmpty());
    ASSERT_EQ(recording->trace.exit_status, 0) << recording->trace.stderr_bytes;
    recording_ = std::move(*recording);

    LabSpec lab;
    lab.sandbox = spec.sandbox;
    lab.run = spec.run;
    lab.run.time_limit = time_limit_;
    lab.jobs = sandboxes_;
    own_lab_ =
        std::make_unique<LabWithCheckers>(std::move(lab), recording_.sandbox.get(), checkers_);
    Use(recording_.trace, own_lab_.get());
  }

  std::chrono::milliseconds time_limit_{60'000};  ///< of further runs
  int sandboxes_ = 2;

 private:
  std::unique_ptr<TempDir> dir_;
  Recording recording_;
  std::unique_ptr<LabWithCheckers> own_lab_;
};

/// A function that stands for a command, without sandbox and process.
class FakeExplorerTest : public ExplorationTest {
 protected:
  // Runs `program` from a tree with these files.
  void Record(const std::map<std::string, std::string>& old, FakeProgram program) {
    own_lab_ = std::make_unique<FakeLab>(std::move(program), time_limit_);
    own_lab_->Answer(checkers_);
    const FileTree tree = TreeOf(old);
    auto plain = own_lab_->Run(0, own_lab_->run(), &tree);
    ASSERT_TRUE(plain) << plain.error().message;
    ASSERT_THAT(plain->obstacles, ::testing::IsEmpty());
    recorded_ = std::move(*plain);
    Use(recorded_, own_lab_.get());
  }

  std::chrono::milliseconds time_limit_{1'000};
  std::unique_ptr<FakeLab> own_lab_;
  Trace recorded_;
};

}  // namespace oldornew::testing
