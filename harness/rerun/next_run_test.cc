#include "rerun/next_run.h"

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

class NextRunTest : public ::testing::Test {
 protected:
  // Records `text` (shell) after `setup` and runs it, or `recover`, again from every state.
  void Run(const std::string& setup, const std::string& text, const std::string& recover = "") {
    auto dir = TempDir::Create("oldornew-next-");
    ASSERT_TRUE(dir);
    RecordSpec spec;
    spec.sandbox.directory = dir->path();
    spec.run.command = {"sh", "-ec", text};
    spec.setup = {"sh", "-ec", setup};
    auto recording = Record(spec);
    ASSERT_TRUE(recording) << recording.error().message;
    ASSERT_THAT(recording->trace.obstacles, IsEmpty());
    ASSERT_EQ(recording->trace.exit_status, 0) << recording->trace.stderr_bytes;
    spec_.run = spec.run;
    if (!recover.empty()) spec_.recover = {"sh", "-ec", recover};
    auto result = RunAgainFromEveryState(*recording->sandbox, recording->trace, spec_);
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
  }

  std::vector<std::string> Findings() const {
    std::vector<std::string> out;
    for (const Finding& finding : result_.findings)
      out.push_back(fmt::format("{} {}: {}", SeverityName(finding.severity), OutcomeName(finding.shown),
                                finding.message));
    return out;
  }

  NextRunSpec spec_;
  NextRunResult result_;
};

TEST_F(NextRunTest, AFixedTemporaryNameThatMustNotExistIsAWedge) {
  Run("echo old >f", "set -C; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error wedged: after a kill behind 1 openat(f.tmp"),
                                         HasSubstr("three in a row"))));
  ASSERT_FALSE(result_.runs.empty());
  EXPECT_TRUE(result_.runs[0].trace.old_tree.Lookup("f.tmp"))
      << "the run shown starts from what the kill left";
}

TEST_F(NextRunTest, ATemporaryNameThatIsTakenOverIsNone) {
  Run("echo old >f", "echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.states, 2u);
}

TEST_F(NextRunTest, AFirstRunThatFailsAndTidiesUpIsAWarning) {
  Run("echo old >f",
      "if test -e f.tmp; then rm f.tmp; echo stale >&2; exit 1; fi; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("warning fails"), HasSubstr("a later one succeeds"))));
}

TEST_F(NextRunTest, WhatTheNextRunMakesOfAHalfWrittenFileIsFound) {
  Run("printf 'a\\nb\\n' >f", "sed s/$/x/ f >g; : >f; cat g >f; rm g");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error not-done: after a kill behind")));
}

TEST_F(NextRunTest, AKillWithinALargeWriteIsTriedToo) {
  Run("echo old >f",
      "head -c 20000 /dev/zero | tr '\\0' x | dd of=f bs=20000 iflag=fullblock status=none conv=notrunc; "
      "test $(head -c 20000 f | tr -d x | wc -c) = 0");
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.states, 1u);
}

TEST_F(NextRunTest, ARecoveryCommandIsHeldAgainstItself) {
  const std::string recover = "rm -f f.tmp; test ! -e f.bak || mv f.bak f";
  Run("echo old >f", "cp f f.tmp; mv f.tmp f.bak; : >f; echo new >f; rm f.bak", recover);
  EXPECT_THAT(Findings(), IsEmpty());
  Run("echo old >f", "cp f f.bak; : >f; echo new >f; rm f.bak", recover);
  EXPECT_THAT(Findings(), Contains(HasSubstr("error not-done"))) << "a backup that is half made is restored";
  Run("echo old >f", "cp f f.bak; : >f; echo new >f; rm f.bak", "test ! -e f.bak");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error wedged")));
}

TEST_F(NextRunTest, ABoundIsSaid) {
  spec_.most_states = 1;
  Run("echo old >f", "echo a >x; echo b >y; echo c >z");
  EXPECT_FALSE(result_.exhaustive);
  EXPECT_EQ(result_.states, 1u);
}

TEST_F(NextRunTest, WhatPowerCutsLeaveIsAStartAsWell) {
  spec_.after_kill = false;
  spec_.after_power_cut = true;
  spec_.search.profiles = SelectProfiles({"xfs"}).value();
  Run("echo old >f", "test -s f; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error wedged"), HasSubstr("power cut under xfs"))))
      << "an empty f stops this command for ever";
}

}  // namespace
}  // namespace oldornew
