// Check as a value: of saved traces, so that nothing is run.
#include "check/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "model/testing/trace_builder.h"
#include "trace/format.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-check-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    plan_.space.profiles = plan_.space.table.Select({"mainstream"}).value();
    plan_.axes = AxisTable::BuiltIn().Defaults();
    plan_.jobs = 1;
  }

  // The plan is one of this trace now, as it is saved and loaded again.
  void Save(Trace trace) {
    trace.processes.emplace_back();
    const std::string path = dir_->path() + "/run.trace";
    ASSERT_TRUE(WriteTrace(trace, path));
    plan_.source = SavedTrace{path};
  }

  void Check(const AxisTable& axes = AxisTable::BuiltIn()) {
    result_ = std::make_unique<CheckResult>();
    auto result = oldornew::Check(plan_, axes);
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
  }

  std::vector<std::string> Axes() const {
    std::vector<std::string> out;
    for (const AxisResult& axis : result_->axes) out.push_back(axis.axis);
    return out;
  }

  std::unique_ptr<TempDir> dir_;
  CheckPlan plan_;
  std::unique_ptr<CheckResult> result_;
};

Trace Careless() {
  return TraceBuilder()
      .OldFile("f", "old")
      .Create("t")
      .Write("t", 0, "new")
      .Close("t")
      .Rename("t", "f")
      .Exit()
      .Build();
}

Trace Careful() {
  return TraceBuilder()
      .OldFile("f", "old")
      .Create("t")
      .Write("t", 0, "new")
      .Fsync("t")
      .Close("t")
      .Rename("t", "f")
      .Fsync("")
      .Exit()
      .Build();
}

Trace InPlace() {
  return TraceBuilder()
      .OldFile("f", "old")
      .OpenTruncate("f")
      .Write("f", 0, "new")
      .Fsync("f")
      .Exit()
      .Build();
}

TEST_F(CheckTest, ASavedTraceIsJudged) {
  Save(Careless());
  Check();
  EXPECT_TRUE(result_->searched);
  EXPECT_EQ(result_->judgement.verdict, Verdict::kFindings);
  EXPECT_EQ(result_->judgement.exit_code, ExitCode::kFindings);
  ASSERT_FALSE(result_->findings.empty());
  EXPECT_EQ(result_->findings[0].path(), "f");
  EXPECT_EQ(result_->findings[0].axis, "power");
  EXPECT_EQ(result_->subjects.size(), 1u);
  EXPECT_EQ(&result_->TraceOf(result_->findings[0]), &result_->trace());
  EXPECT_GT(result_->coverage.states_visited, 0u);
  EXPECT_EQ(result_->profiles.size(), plan_.space.profiles.size());

  Save(Careful());
  Check();
  EXPECT_THAT(result_->findings, IsEmpty());
  EXPECT_EQ(result_->judgement.verdict, Verdict::kClean);
  EXPECT_EQ(result_->judgement.exit_code, ExitCode::kClean);
}

TEST_F(CheckTest, WhatNeedsRunsIsLeftOutOfASavedTraceAndThatIsSaid) {
  Save(Careful());
  Check();
  EXPECT_THAT(Axes(), ElementsAre("power", "kill"));
  EXPECT_THAT(result_->notes, Contains("not explored, since there is no run: faults, next-run"));
  EXPECT_FALSE(result_->Explored("faults"));
  EXPECT_TRUE(result_->Explored("kill"));

  plan_.axes = {"power"};
  Check();
  EXPECT_THAT(result_->notes, Each(Not(HasSubstr("not explored"))));
}

TEST_F(CheckTest, WhatNeedsRunsAndWasAskedForByNameIsAMistake) {
  Save(Careful());
  for (const char* axis : {"faults", "next-run", "vary-old"}) {
    plan_.axes = plan_.named = {axis};
    const auto result = oldornew::Check(plan_);
    ASSERT_FALSE(result) << axis;
    EXPECT_EQ(result.error().exit_code, ExitCode::kUsage);
    EXPECT_THAT(result.error().message, HasSubstr(std::string(axis) + " needs a run"));
  }
}

TEST_F(CheckTest, OnlyWhatThePlanNamesIsExplored) {
  Save(InPlace());
  plan_.axes = {"kill"};
  Check();
  EXPECT_THAT(Axes(), ElementsAre("kill"));
  ASSERT_FALSE(result_->findings.empty());
  for (const Finding& finding : result_->findings) EXPECT_EQ(finding.axis, "kill");
  EXPECT_THAT(result_->profiles, IsEmpty()) << "no file system was asked about";
}

TEST_F(CheckTest, AFailedRunIsNoPassAndIsNotSearched) {
  Trace failed = Careless();
  failed.exit_status = 3;
  failed.stderr_bytes = "no room\n";
  Save(failed);
  Check();
  EXPECT_FALSE(result_->searched);
  EXPECT_EQ(result_->judgement.verdict, Verdict::kBaselineFailed);
  EXPECT_THAT(result_->judgement.reasons, Contains(HasSubstr("no room")));
  EXPECT_THAT(result_->axes, IsEmpty());

  plan_.question.ack.ok_exit = {3};
  Check();
  EXPECT_TRUE(result_->searched);
}

TEST_F(CheckTest, ARecordingWithAHoleIsNoPass) {
  Trace holed = Careless();
  holed.obstacles = {{Obstacle::Kind::kIncomplete, "a call was missed"}};
  Save(holed);
  Check();
  EXPECT_EQ(result_->judgement.verdict, Verdict::kIncompleteRecording);
  EXPECT_THAT(result_->judgement.reasons, ElementsAre("a call was missed"));
  EXPECT_THAT(result_->findings, IsEmpty());
}

TEST_F(CheckTest, ABoundIsAVerdictOfItsOwn) {
  Save(Careful());
  plan_.axes = {"power"};
  plan_.space.limits.max_states = 1;
  plan_.states_given = true;
  Check();
  EXPECT_EQ(result_->judgement.verdict, Verdict::kBounded);
  EXPECT_EQ(result_->judgement.exit_code, ExitCode::kBounded);
  plan_.states_given = false;
  Check();
  EXPECT_EQ(result_->judgement.verdict, Verdict::kClean) << "the default for this trace is larger";
}

TEST_F(CheckTest, AcceptedFindingsDoNotCountWhenItIsJudgedAgain) {
  Save(Careless());
  Check();
  ASSERT_EQ(result_->judgement.verdict, Verdict::kFindings);
  for (Finding& finding : result_->findings) finding.accepted = "known";
  result_->JudgeAgain();
  EXPECT_EQ(result_->judgement.verdict, Verdict::kClean);
}

TEST_F(CheckTest, TheSamePlanGivesTheSameFindings) {
  Save(InPlace());
  Check();
  std::vector<std::string> first;
  for (const Finding& finding : result_->findings) first.push_back(finding.token());
  plan_.jobs = 3;
  Check();
  std::vector<std::string> second;
  for (const Finding& finding : result_->findings) second.push_back(finding.token());
  EXPECT_EQ(first, second);
}

TEST_F(CheckTest, CommandsThatJudgeNeedARun) {
  Save(Careful());
  plan_.question.view = "cat f";
  const auto result = oldornew::Check(plan_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit_code, ExitCode::kUsage);
}

TEST_F(CheckTest, ATraceThatThereIsNotIsAMistake) {
  plan_.source = SavedTrace{dir_->path() + "/none.trace"};
  EXPECT_FALSE(oldornew::Check(plan_));
}

// What an axis found, and the runs it made.
class TwoRuns final : public Explorer {
 public:
  Result<Exploration> Explore(const Given& given) override {
    Exploration out;
    for (const char* id : {"one", "two"}) {
      Finding finding;
      finding.axis = "two-runs";
      finding.subjects = {{id, id, {}, {}, {}}};
      finding.run = static_cast<int>(out.runs.size());
      out.findings.push_back(std::move(finding));
      out.runs.push_back({id, id, given.plain, FurtherRun::End::kFindings, {}});
    }
    out.notes = {given.earlier.Explored("power") ? "after power" : "before power"};
    out.bounds = {"not all was tried"};
    out.cases = 2;
    return out;
  }
};

TEST_F(CheckTest, RunsOfEachAxisAreFoundByItsFindings) {
  std::vector<Axis> rows = AxisTable::BuiltIn().rows();
  for (const char* name : {"first", "second"}) {
    rows.push_back({name, AxisUse::kOnRequest, AxisRuns::kNever, "",
                    [](const CheckPlan&) { return std::make_unique<TwoRuns>(); }});
  }
  Save(Careful());
  plan_.axes = {"power", "second", "first"};
  Check(AxisTable(std::move(rows)));
  EXPECT_THAT(Axes(), ElementsAre("power", "first", "second")) << "in the order of the table";
  ASSERT_EQ(result_->findings.size(), 4u);
  ASSERT_EQ(result_->further.size(), 4u);
  for (const Finding& finding : result_->findings)
    EXPECT_EQ(result_->further[static_cast<size_t>(finding.run)].id, finding.path());
  EXPECT_THAT(result_->notes, Contains("after power"));
  EXPECT_FALSE(result_->axes[1].exhaustive);
  EXPECT_EQ(result_->axes[1].cases, 2u);
}

}  // namespace
}  // namespace oldornew
