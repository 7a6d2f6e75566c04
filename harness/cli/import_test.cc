// import and check --from as a user meets them: the built program, run in a fresh directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/text.h"
#include "cli/test_command.h"

namespace oldornew {
namespace {

using ::testing::HasSubstr;

using Outcome = testing::CommandOutcome;

// A log of strace, with the tree before (w) and after (new).
class CliImportTest : public testing::CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    for (const char* tree : {"w", "new"}) {
      ASSERT_TRUE(MakeDirectories(Path(tree)));
      ASSERT_TRUE(WriteFile(Path(tree) + std::string("/f"), "a\nb\n"));
    }
    ASSERT_TRUE(WriteFile(Path("w/config"), "x = 1\n"));
    ASSERT_TRUE(WriteFile(Path("new/config"), "a\nb\n"));
    log_ = ReadFile(std::string(OLDORNEW_SOURCE_DIR) + "/harness/import/testdata/hardened.strace")
               .value();
  }

  std::string Without(const std::string& call) const {
    std::string out;
    for (const std::string& line : Split(log_, '\n')) {
      if (line.find(call) == std::string::npos) out += line + "\n";
    }
    return out;
  }
  Outcome Check(const std::string& log, const std::string& options) const {
    EXPECT_TRUE(WriteFile(Path("log"), log));
    return Run("check --only power --profile all --from ../log " + options);
  }
  std::string log_;
};

TEST_F(CliImportTest, ACorrectProgramIsCleanWhenBothTreesAreThereAndBoundedWhenNot) {
  const Outcome both = Check(log_, "--old . --new ../new");
  EXPECT_EQ(both.exit_code, 0) << both.out << both.err;
  const Outcome old_only = Check(log_, "--old .");
  EXPECT_EQ(old_only.exit_code, 4) << old_only.out;
  EXPECT_THAT(old_only.out, HasSubstr("--new"));
  const Outcome alone = Check(log_, "");
  EXPECT_EQ(alone.exit_code, 4) << alone.out;
  EXPECT_THAT(alone.out, HasSubstr("--old"));
  EXPECT_EQ(Check(log_, "--accept-bounded").exit_code, 0);
}

TEST_F(CliImportTest, EachFsyncThatIsTakenOutOfTheLogChangesTheVerdict) {
  for (const char* call : {"fsync(4", "fsync(3"}) {
    ASSERT_NE(Without(call).size(), log_.size()) << call;
    for (const char* options : {"--strict --old . --new ../new", "--strict"}) {
      const Outcome run = Check(Without(call), options);
      EXPECT_EQ(run.exit_code, 1) << call << " " << options << run.out << run.err;
    }
  }
}

TEST_F(CliImportTest, ATreeThatTheLogDoesNotExplainCannotBeJudged) {
  ASSERT_TRUE(WriteFile(Path("new/more"), "x"));
  const Outcome run = Check(log_, "--old . --new ../new");
  EXPECT_EQ(run.exit_code, 5) << run.out;
  EXPECT_THAT(run.out, HasSubstr("more exists, but no recorded call made it"));
}

TEST_F(CliImportTest, AnImportedTraceServesShowStatesCheckAndReplay) {
  ASSERT_TRUE(WriteFile(Path("log"), Without("fsync(4")));
  const Outcome imported = Run("import ../log --old . --new ../new -o ../t.trace");
  EXPECT_EQ(imported.exit_code, 0) << imported.err;
  EXPECT_THAT(imported.err, HasSubstr("complete"));
  EXPECT_THAT(Run("show ../t.trace").out, HasSubstr("renameat("));
  EXPECT_EQ(Run("states --trace ../t.trace").exit_code, 0);
  EXPECT_EQ(Run("check --only power --trace ../t.trace").exit_code, 1);
  EXPECT_EQ(Run("replay " + ShellQuote(FirstBundle())).exit_code, 1);
}

TEST_F(CliImportTest, BadInputIsAUsageError) {
  EXPECT_EQ(Check("hello\n", "").exit_code, 2);
  EXPECT_THAT(Check("hello\n", "").err, HasSubstr("log:1"));
  EXPECT_EQ(Check(log_, "--old nowhere").exit_code, 2);
  EXPECT_EQ(Check(log_, "-- true").exit_code, 2);
  EXPECT_EQ(Run("import nowhere").exit_code, 2);
  EXPECT_EQ(Run("check --old . -- true").exit_code, 2);
}

}  // namespace
}  // namespace oldornew
