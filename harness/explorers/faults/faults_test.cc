// Programs that get failing calls wrong, and their correct twins (targets/puzzles/faults), under
// the fault explorer.
#include "explorers/faults/faults.h"

#include "explorers/explorer_test_support.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class FaultTest : public testing::ExplorerTest {
 protected:
  // Records the command after `setup` and injects faults into it.
  void Inject(const std::string& setup, const std::vector<std::string>& command,
              FaultOptions options = {}) {
    Record(setup, command);
    if (HasFatalFailure()) return;
    ExplorePowerBefore();
    ASSERT_TRUE(lab_->PrepareRuns());
    ASSERT_TRUE(lab_->CanFillDisks());
    Explore(MakeFaultExplorer(std::move(options)));
    EXPECT_THAT(result_.bounds, Each(Not(HasSubstr("took another path"))));
  }

  // The puzzle has a finding that starts so and names the call, and its correct twin has no error.
  void ExpectFound(const std::string& puzzle, const std::string& what, const std::string& call) {
    Inject("echo state = old >f", {Puzzle(puzzle)});
    EXPECT_THAT(Findings(), Contains(AllOf(StartsWith(what), HasSubstr(call)))) << puzzle;
    Inject("echo state = old >f", {Puzzle(puzzle + ".repaired")});
    EXPECT_THAT(Findings(), Each(StartsWith("warning"))) << puzzle;
  }
};

// Every run of the tests asks the same of these puzzles through the command line (scripts/puzzles).
using FaultPuzzlesLong = FaultTest;

TEST_F(FaultPuzzlesLong, AnIgnoredShortCountIsFoundAtItsWrite) {
  ExpectFound("short_write_ignored", "error honest truncated: f can be TRUNCATED", "write(f.new)");
  ExpectFound("short_then_error", "error honest truncated", "a short count and then ENOSPC");
}

TEST_F(FaultPuzzlesLong, AnUncheckedLastWriteIsFoundAtThatWrite) {
  ExpectFound("last_write_unchecked", "error honest truncated", "ENOSPC");
  ExpectFound("stdio_error_at_close", "error honest empty", "write(f.new)");
}

TEST_F(FaultPuzzlesLong, AnErrorOfASyncOrCloseThatIsPassedOverIsFound) {
  ExpectFound("fsync_error_ignored", "error durable lost-after-error",
              "fsync(f.new) fails with EIO");
  ExpectFound("fsync_retried", "error durable lost-after-error", "fsync(f.new) fails with EIO");
  ExpectFound("close_error_ignored", "warning honest lost-after-error", "close(f.new)");
  ExpectFound("directory_fsync_ignored", "warning durable old-after-ack", "fsync(.)");
}

TEST_F(FaultTest, SuccessAfterAFailedRenameIsFound) {
  ExpectFound("rename_error_ignored", "error honest not-done: f still holds the OLD content",
              "rename(f.new");
  EXPECT_THAT(result_.notes, Contains(HasSubstr("although the change is already made")));
}

TEST_F(FaultPuzzlesLong, WhatErrorPathsLeaveOrPublishIsFound) {
  ExpectFound("temporary_leaked", "warning clean litter: f.new is left behind", "fsync(f.new)");
  ExpectFound("truncated_published", "error atomic empty", "write(f.new)");
}

TEST_F(FaultPuzzlesLong, AFallbackThatWritesInPlaceIsFoundByPowerCuts) {
  ExpectFound("copy_on_exdev", "warning atomic", "EXDEV");
  ExpectFound("replaced_in_place", "error atomic", "openat(f.");
}

TEST_F(FaultPuzzlesLong, ACleanupThatRemovesAnothersFileIsFound) {
  const std::string setup = "echo state = old >f; echo mine >f.1";
  Inject(setup, {Puzzle("cleanup_removes_foreign")});
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("error contained changed-outside"),
                                         HasSubstr("REMOVES f.1"))));
  Inject(setup, {Puzzle("cleanup_removes_foreign.repaired")});
  EXPECT_THAT(Findings(), Each(StartsWith("warning")));
}

TEST_F(FaultTest, AHangIsAFindingAndIsNotWaitedForAgainAndAgain) {
  time_limit_ = std::chrono::milliseconds(700);
  Inject("echo state = old >f", {Puzzle("retried_for_ever")});
  EXPECT_THAT(Findings(), Contains(StartsWith("error honest hangs")));
  time_limit_ = std::chrono::seconds(60);
  Inject("echo state = old >f", {Puzzle("retried_for_ever.repaired")});
  EXPECT_THAT(Findings(), Each(Not(HasSubstr("HANGS"))));
}

TEST_F(FaultPuzzlesLong, ARollbackThatFailsIsFoundAtDepthTwo) {
  FaultOptions options;
  Inject("echo state = old >f", {Puzzle("rollback_unchecked")}, options);
  const auto rename_fails =
      Contains(AllOf(StartsWith("error atomic missing"), HasSubstr(", then ")));
  EXPECT_THAT(Findings(), Not(rename_fails));
  options.depth = 2;
  Inject("echo state = old >f", {Puzzle("rollback_unchecked")}, options);
  EXPECT_THAT(Findings(), rename_fails);
}

TEST_F(FaultTest, TheHardenedWriterIsCleanAtDepthTwo) {
  FaultOptions options;
  options.depth = 2;
  Inject("echo old >f", {"sh", "-c", "echo new | " + Target("hardened-write-file") + " . f 0644"},
         options);
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, IsEmpty());
  EXPECT_GE(result_.cases, 100u);
}

TEST_F(FaultTest, TheHardenedSwapIsClean) {
  const std::string swap = Target("hardened-swap-directory");
  Inject(swap + " . s k=old", {swap, ".", "s", "k=new"});
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, IsEmpty());
  // It keeps the old tree when the new one may not last, and cannot remove a tree that it cannot
  // list.
  Inject(swap + " --exchange . s k=old d/e=old",
         {swap, "--exchange", ".", "s", "k=new", "d/e=new"});
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, IsEmpty());
}

TEST_F(FaultTest, WhatTheNextRunTakesAwayDoesNotPileUp) {
  const std::string setup = "echo old >f; echo the new content >given";
  const std::string update = "t=$(mktemp f.new.XXXXXXXX); cat given >$t; mv $t f";
  Inject(setup, {"sh", "-ec", update});
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error clean litter"), HasSubstr("leaves one more"))));
  Inject(setup, {"sh", "-ec", "rm -f f.new.*; " + update});
  EXPECT_THAT(Findings(), Contains(StartsWith("warning clean litter: f.new.")));
  EXPECT_THAT(Findings(), Each(Not(HasSubstr("leaves one more"))));
}

TEST_F(FaultTest, ACommandThatDependsOnTimesIsNotBlamedForThem) {
  const std::string command = "if test f -ot a; then cat a >f; fi";
  Inject("echo new >a; echo old >f; touch -d yesterday f", {"sh", "-c", command});
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, Contains(HasSubstr("depends on timestamps")));
}

TEST_F(FaultTest, ACarefulScriptHasNoErrors) {
  Inject("echo old >f; echo new content >given", {"sh", "-ec", "cp given f.tmp; mv f.tmp f"});
  EXPECT_THAT(Findings(), Each(StartsWith("warning")));
  EXPECT_THAT(Findings(), Not(Contains(HasSubstr("honest"))));
  EXPECT_THAT(result_.bounds, IsEmpty());
}

TEST_F(FaultTest, ADiskThatIsReallyFullGivesWhatTheKernelGives) {
  // Three pages: dash writes them with one call, which the kernel cuts short where the room ends.
  Inject("echo old >f; head -c 12000 /dev/zero | tr '\\0' n >given",
         {"sh", "-c", "dd if=given of=f.tmp bs=12000 2>/dev/null; mv f.tmp f"});
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error honest"), HasSubstr("on a disk with 4096 B left"))));
  EXPECT_THAT(result_.words, HasSubstr("on a full disk"));
}

TEST_F(FaultTest, TheResultDoesNotDependOnTheNumberOfSandboxes) {
  sandboxes_ = 1;
  Inject("echo state = old >f", {Puzzle("temporary_leaked")});
  const auto one = Findings();
  const auto words = result_.words;
  sandboxes_ = 3;
  Inject("echo state = old >f", {Puzzle("temporary_leaked")});
  EXPECT_EQ(Findings(), one);
  EXPECT_EQ(result_.words, words);
}

}  // namespace
}  // namespace oldornew
