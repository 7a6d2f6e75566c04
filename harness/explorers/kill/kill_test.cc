// One process of several killed, and signals, with processes that are really run.
#include "explorers/kill/kill.h"

#include "explorers/explorer_test_support.h"
#include "explorers/kill/process_kills.h"
#include "interpose/plan.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class KillTest : public testing::ExplorerTest {
 protected:
  void Run(const std::string& setup, const std::vector<std::string>& command) {
    Record(setup, command);
    if (HasFatalFailure()) return;
    const Given given = MakeGiven();
    auto kills = KillProcesses(given, options_, known_);
    ASSERT_TRUE(kills) << kills.error().message;
    kills_ = std::move(*kills);
    result_ = std::move(kills_.found);
    EXPECT_THAT(result_.bounds, IsEmpty());
  }

  void Shell(const std::string& text) { Run("echo old >f", {"sh", "-c", text}); }

  KillOptions options_;
  std::set<std::string> known_;
  ProcessKills kills_;
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
  EXPECT_GE(kills_.killed, 3u);
}

TEST_F(KillTest, OneProcessAloneHasNobodyToLiveOn) {
  Run("echo old >f", {"sed", "-i", "s/old/new/", "f"});
  EXPECT_EQ(kills_.killed, 0u);
  EXPECT_GE(kills_.signalled, 6u);
  EXPECT_THAT(Findings(), IsEmpty())
      << "it dies of the signal: that is a kill, which the recording tells of";
}

TEST_F(KillTest, ASignalHandlerThatForgetsTheTemporaryLeavesLitter) {
  Shell("trap 'exit 1' TERM; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("clean litter: with SIGTERM after "),
                                         HasSubstr("f.tmp is left"))));
  EXPECT_THAT(result_.findings, SizeIs(1)) << "SIGINT is not handled";
  Shell("trap 'rm -f f.tmp; exit 1' TERM INT; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(KillTest, WhatKillsOfEverythingLeaveIsNotSaidAgain) {
  Shell("echo new >f");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error atomic empty: with SIGTERM after ")));
  known_ = {"f"};
  Shell("echo new >f");
  EXPECT_THAT(Findings(), IsEmpty());
  Shell("trap 'exit 1' TERM; echo new >f");
  EXPECT_THAT(Findings(), IsEmpty()) << "it ends with the call done";
}

}  // namespace
}  // namespace oldornew
