#include "explorers/kill/kill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KillTest : public ::testing::Test {
 protected:
  void Run(const std::string& setup, const std::vector<std::string>& command) {
    auto dir = TempDir::Create("oldornew-kill-");
    ASSERT_TRUE(dir);
    RecordSpec spec;
    spec.sandbox.directory = dir->path();
    spec.sandbox.in_memory = true;
    spec.run.command = command;
    spec.setup = {"sh", "-ec", setup};
    auto recording = Record(spec);
    if (!recording && recording.error().exit_code == ExitCode::kCannotJudge) {
      spec.sandbox.in_memory = false;
      recording = Record(spec);
    }
    ASSERT_TRUE(recording) << recording.error().message;
    ASSERT_EQ(recording->trace.exit_status, 0) << recording->trace.stderr_bytes;
    spec_.run = spec.run;
    auto result = KillProcesses(*recording->sandbox, recording->trace, spec_);
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
    EXPECT_THAT(result_.bounds, IsEmpty());
  }

  void Shell(const std::string& text) { Run("echo old >f", {"sh", "-c", text}); }

  std::vector<std::string> Findings() const {
    std::vector<std::string> out;
    for (const Finding& finding : result_.findings)
      out.push_back(fmt::format("{} {} {}: {}", SeverityName(finding.severity),
                                OracleName(finding.oracle), OutcomeName(finding.shown),
                                finding.message));
    return out;
  }

  KillSpec spec_;
  KillResult result_;
};

TEST_F(KillTest, AScriptThatGoesOnWithoutItsDeadHelperPublishesWhatItLeft) {
  Shell("sed s/old/new/ f >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("error honest empty: when "), HasSubstr("alone is killed"),
                             HasSubstr("f can be EMPTY"))));
  ASSERT_THAT(result_.runs, SizeIs(result_.findings.empty() ? 0 : 1));
  EXPECT_EQ(result_.runs[0].trace.exit_status, 0);
  EXPECT_THAT(result_.findings[0].again, HasSubstr("signal=KILL"));
  const std::vector<std::string> plan = result_.runs[0].trace.plan;
  ASSERT_THAT(plan, SizeIs(1));
  const auto injection = ParseInjection(plan[0]);
  ASSERT_TRUE(injection) << plan[0];
  EXPECT_EQ(FormatInjection(*injection), plan[0]);
}

TEST_F(KillTest, AScriptThatStopsWhenItsHelperDiesIsClean) {
  Shell("set -e; sed s/old/new/ f >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty()) << "f.tmp is left, by the dead";
  EXPECT_GE(result_.killed, 3u);
}

TEST_F(KillTest, OneProcessAloneHasNobodyToLiveOn) {
  Run("echo old >f", {"sed", "-i", "s/old/new/", "f"});
  EXPECT_EQ(result_.killed, 0u);
  EXPECT_GE(result_.signalled, 6u);
  EXPECT_THAT(Findings(), IsEmpty())
      << "it dies of the signal: that is a kill, which the recording tells of";
}

TEST_F(KillTest, ASignalHandlerThatForgetsTheTemporaryLeavesLitter) {
  Shell("trap 'exit 1' TERM; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("clean litter: with SIGTERM behind "),
                                         HasSubstr("f.tmp is left"))));
  EXPECT_THAT(result_.findings, SizeIs(1)) << "SIGINT is not handled";
  Shell("trap 'rm -f f.tmp; exit 1' TERM INT; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(KillTest, AHandlerThatSavesWhatThereIsPublishesHalf) {
  Shell("trap 'mv f.tmp f; exit 0' TERM; echo new >f.tmp; echo more >>f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error honest truncated: with SIGTERM behind "),
                                         HasSubstr("f can be TRUNCATED"))));
  Shell("trap '' TERM INT; echo new >f.tmp; echo more >>f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty()) << "who ignores the signal goes on to the end";
}

TEST_F(KillTest, WhatKillsOfEverythingLeaveIsNotSaidAgain) {
  Shell("echo new >f");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error atomic empty: with SIGTERM behind ")));
  spec_.known = {"f"};
  Shell("echo new >f");
  EXPECT_THAT(Findings(), IsEmpty());
  Shell("trap 'exit 1' TERM; echo new >f");
  EXPECT_THAT(Findings(), IsEmpty()) << "it ends with the call done";
}

TEST_F(KillTest, ManyMomentsAreThinnedOutAndThatIsSaid) {
  spec_.most_of_each = 2;
  Shell("for i in 1 2 3 4 5 6; do echo $i >f$i; done");
  EXPECT_EQ(result_.signalled, 4u);
  EXPECT_THAT(result_.notes, Contains(HasSubstr("evenly spread")));
}

}  // namespace
}  // namespace oldornew
