// Programs that get failing calls wrong, and their correct twins (targets/puzzles/faults), under
// the fault explorer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"
#include "explorers/faults/fault.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class FaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-fault-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }

  static std::string Target(const std::string& name) {
    return std::string(OLDORNEW_BINARY_DIR) + "/targets/" + name;
  }
  static std::string Puzzle(const std::string& name) { return Target("puzzles/" + name); }

  // Records the command after `setup` and injects faults into it.
  void Inject(const std::string& setup, const std::vector<std::string>& command,
              FaultSpec spec = {}, size_t sandboxes = 2) {
    RecordSpec record;
    record.sandbox.directory = dir_->path();
    record.run.command = command;
    if (!setup.empty()) record.setup = {"sh", "-ec", setup};
    auto recording = Record(record);
    ASSERT_TRUE(recording) << recording.error().message;
    ASSERT_THAT(recording->trace.obstacles, IsEmpty());
    const auto limit = spec.run.time_limit;
    spec.run = record.run;
    spec.run.time_limit = limit;
    spec.search.profiles = SelectProfiles({"mainstream"}).value();
    const auto found = Search(recording->trace, spec.search);
    ASSERT_TRUE(found) << found.error().message;
    SandboxSpec memory;
    memory.directory = dir_->path();
    memory.in_memory = true;
    memory.start_empty = true;
    KeepVisible(command, &memory);
    std::vector<Sandbox> own;
    for (size_t i = 0; i < sandboxes; ++i) {
      auto sandbox = Sandbox::Create(memory);
      ASSERT_TRUE(sandbox) << sandbox.error().message;
      own.push_back(std::move(*sandbox));
    }
    std::vector<Sandbox*> pointers;
    for (Sandbox& sandbox : own) pointers.push_back(&sandbox);
    auto result = InjectFaults(pointers, recording->trace, *found, spec);
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
    EXPECT_EQ(result_.diverged, 0u) << Join(result_.bounds, "\n");
  }

  // "SEVERITY ORACLE OUTCOME: MESSAGE".
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

  // The puzzle has a finding that starts so and names the call, and its correct twin has no error.
  void ExpectFound(const std::string& puzzle, const std::string& what, const std::string& call) {
    Inject("echo state = old >f", {Puzzle(puzzle)});
    EXPECT_THAT(Findings(), Contains(AllOf(StartsWith(what), HasSubstr(call)))) << puzzle;
    Inject("echo state = old >f", {Puzzle(puzzle + ".repaired")});
    EXPECT_THAT(Findings(), Each(StartsWith("warning"))) << puzzle;
  }

  std::unique_ptr<TempDir> dir_;
  FaultResult result_;
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
  EXPECT_THAT(result_.notes, Contains(HasSubstr("failed, though committed")));
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
  FaultSpec spec;
  spec.run.time_limit = std::chrono::milliseconds(700);
  Inject("echo state = old >f", {Puzzle("retried_for_ever")}, spec);
  EXPECT_THAT(Findings(), Contains(StartsWith("error honest hangs")));
  Inject("echo state = old >f", {Puzzle("retried_for_ever.repaired")});
  EXPECT_THAT(Findings(), Each(Not(HasSubstr("HANGS"))));
}

TEST_F(FaultTest, ARollbackThatFailsIsFoundAtDepthTwo) {
  FaultSpec spec;
  Inject("echo state = old >f", {Puzzle("rollback_unchecked")}, spec);
  const auto rename_fails =
      Contains(AllOf(StartsWith("error atomic missing"), HasSubstr(", then ")));
  EXPECT_THAT(Findings(), Not(rename_fails));
  spec.depth = 2;
  Inject("echo state = old >f", {Puzzle("rollback_unchecked")}, spec);
  EXPECT_THAT(Findings(), rename_fails);
}

TEST_F(FaultTest, TheHardenedWriterIsCleanAtDepthTwo) {
  FaultSpec spec;
  spec.depth = 2;
  Inject("echo old >f", {"sh", "-c", "echo new | " + Target("hardened-write-file") + " . f 0644"},
         spec);
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

TEST_F(FaultTest, ACommandThatHangsOnTimesIsNotBlamedForThem) {
  const std::string command = "if test f -ot a; then cat a >f; fi";
  Inject("echo new >a; echo old >f; touch -d yesterday f", {"sh", "-c", command});
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, Contains(HasSubstr("hangs on times")));
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
  EXPECT_THAT(result_.summary, HasSubstr("full disks"));
}

TEST_F(FaultTest, WhatWasAskedForByHandIsInjectedAlone) {
  FaultSpec spec;
  spec.by_hand = {"rename:error=EXDEV:when=1"};
  Inject("echo state = old >f", {Puzzle("rename_error_ignored")}, spec);
  EXPECT_EQ(result_.cases, 1u);
  EXPECT_THAT(Findings(), Contains(StartsWith("error honest not-done")));
  for (const Finding& finding : result_.findings)
    EXPECT_THAT(finding.again, HasSubstr("--inject rename:error=EXDEV:when=1 -- "));
  spec.by_hand = {"rename:error=EXDEV:when=7"};
  Inject("echo state = old >f", {Puzzle("rename_error_ignored")}, spec);
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, Not(IsEmpty())) << "nothing was injected: no pass";
}

TEST_F(FaultTest, TheResultDoesNotHangOnTheNumberOfSandboxes) {
  Inject("echo state = old >f", {Puzzle("temporary_leaked")}, {}, 1);
  const auto one = Findings();
  const auto summary = result_.summary;
  Inject("echo state = old >f", {Puzzle("temporary_leaked")}, {}, 3);
  EXPECT_EQ(Findings(), one);
  EXPECT_EQ(result_.summary, summary);
}

TEST_F(FaultTest, WhatFaultsLeaveIsHandedOn) {
  Inject("echo state = old >f", {Puzzle("temporary_leaked")});
  ASSERT_THAT(result_.ends, Not(IsEmpty()));
  std::set<Digest> seen;
  for (const FaultEnd& end : result_.ends) {
    EXPECT_TRUE(seen.insert(end.tree.RootDigest(true)).second) << end.scene;
    EXPECT_TRUE(end.tree.Lookup("f.new")) << end.scene;
  }
}

TEST_F(FaultTest, ABoundOnTheNumberOfRunsIsSaid) {
  FaultSpec spec;
  spec.most_runs = 5;
  std::vector<uint64_t> announced;
  spec.announce = [&](uint64_t cases) { announced.push_back(cases); };
  Inject("echo state = old >f", {Puzzle("temporary_leaked")}, spec);
  EXPECT_EQ(result_.cases, 5u);
  EXPECT_THAT(announced, ::testing::ElementsAre(5u));
  EXPECT_THAT(result_.bounds, Contains(HasSubstr("--max-faults")));
}

}  // namespace
}  // namespace oldornew
