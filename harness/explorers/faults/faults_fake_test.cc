// What the fault explorer finds in fake programs: each mistake is found, and its correct twin is
// clean.
#include "explorers/explorer_test_support.h"
#include "explorers/faults/faults.h"
#include "explorers/replace_file_test_support.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using testing::Asks;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::FakeProcess;
using testing::FakeProgram;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Mistakes;
using ::testing::Not;
using testing::ReplaceFile;
using ::testing::StartsWith;
using testing::Text;

class FaultsFakeTest : public testing::FakeExplorerTest {
 protected:
  void Inject(FakeProgram program, FaultOptions options = {},
              const std::map<std::string, std::string>& old = {{"f", "the old content"}}) {
    Record(old, std::move(program));
    if (HasFatalFailure()) return;
    ExplorePowerBefore();
    Explore(MakeFaultExplorer(std::move(options)));
  }

  void ExpectClean(FakeProgram program, FaultOptions options = {}) {
    Inject(std::move(program), std::move(options));
    EXPECT_THAT(Findings(), IsEmpty());
    EXPECT_THAT(result_.bounds, IsEmpty());
    EXPECT_GE(result_.cases, 10u);
  }
};

TEST_F(FaultsFakeTest, ACorrectProgramIsCleanAtDepthTwo) {
  ExpectClean(ReplaceFile());
  FaultOptions options;
  options.depth = 2;
  ExpectClean(ReplaceFile(), options);
}

TEST_F(FaultsFakeTest, AnIgnoredShortWriteIsFoundAtItsWrite) {
  Inject(ReplaceFile({.ignores_short_write = true}));
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error honest truncated: f can be TRUNCATED"),
                             HasSubstr("a short count"), HasSubstr("at 2 write(f.tmp)"))));
  ASSERT_FALSE(result_.findings.empty());
  const std::vector<InjectedCall>& injected = result_.findings[0].injected;
  ASSERT_FALSE(injected.empty());
  EXPECT_EQ(injected[0].call, "write");
  EXPECT_EQ(injected[0].path, "f.tmp");
  EXPECT_EQ(injected[0].way, "short");
  EXPECT_EQ(injected[0].occurrence, 1u);
}

TEST_F(FaultsFakeTest, AnIgnoredErrorOfFsyncIsFoundByBytes) {
  Inject(ReplaceFile({.ignores_fsync = true}));
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error durable lost-after-error: f can be LOST"),
                             HasSubstr("fsync(f.tmp) fails with EIO"))));
}

// A database that ignores a failed fsync is found.
TEST_F(FaultsFakeTest, AnIgnoredErrorOfFsyncIsFoundByTheViewCommand) {
  const auto view =
      Asks([](const FileTree& tree) { return CheckerAnswer{0, Text(tree, "f").substr(0, 7)}; });
  Ask(view, {});
  Inject(ReplaceFile({.ignores_fsync = true}));
  EXPECT_THAT(
      Findings(),
      Contains(AllOf(StartsWith("error durable lost-after-error: the directory can be LOST"),
                     HasSubstr("fsync(f.tmp) fails with EIO"))));
  Ask(view, {});
  ExpectClean(ReplaceFile());
}

TEST_F(FaultsFakeTest, AnIgnoredErrorOfFsyncIsFoundByTheCheckCommand) {
  const auto check = Asks([](const FileTree& tree) {
    return CheckerAnswer{Text(tree, "f").ends_with("content") ? 0 : 1, ""};
  });
  Ask({}, check);
  Inject(ReplaceFile({.ignores_fsync = true}));
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("error"), HasSubstr("fsync(f.tmp)"))));
  Ask({}, check);
  ExpectClean(ReplaceFile());
}

TEST_F(FaultsFakeTest, SuccessThoughNothingWasDoneIsFound) {
  Inject(ReplaceFile({.ignores_rename = true}));
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error honest not-done: f still holds the OLD content"),
                             HasSubstr("rename(f.tmp"))));
}

TEST_F(FaultsFakeTest, ATemporaryThatAnErrorPathForgetsIsLitter) {
  Inject(ReplaceFile({.leaves_temporary = true}));
  EXPECT_THAT(Findings(), Contains(StartsWith("warning clean litter: f.tmp is left behind")));
  EXPECT_THAT(Findings(), Each(Not(HasSubstr("leaves one more")))) << "the name is a fixed one";

  ASSERT_THAT(result_.left_behind, Not(IsEmpty()));
  std::set<Digest> seen;
  for (const LeftBehind& state : result_.left_behind) {
    EXPECT_TRUE(seen.insert(state.tree.RootDigest(true)).second) << state.scene;
    EXPECT_EQ(state.axis, "faults");
  }
}

TEST_F(FaultsFakeTest, LitterOfARandomNameGrowsWithEachRun) {
  const ReplaceFile forgets({.leaves_temporary = true, .random_name = true});
  Inject(forgets);
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error clean litter"), HasSubstr("leaves one more"))));

  // Whoever removes what earlier runs left has no growing litter: it is a warning.
  Inject([&forgets](FakeProcess& p) {
    for (const std::string& name : p.List()) {
      if (name.starts_with("f.")) p.Unlink(name);
    }
    return forgets(p);
  });
  EXPECT_THAT(Findings(), Contains(StartsWith("warning clean litter: f.")));
  EXPECT_THAT(Findings(), Each(Not(HasSubstr("leaves one more"))));
  ExpectClean(ReplaceFile({.random_name = true}));
}

TEST_F(FaultsFakeTest, AFailureAfterTheChangeIsFound) {
  Inject(ReplaceFile({.looks_again = true}));
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("error honest changed-though-failed: "),
                                         HasSubstr("f is NEW although"))));
}

TEST_F(FaultsFakeTest, AHangIsFoundAndNotWaitedForAgainAndAgain) {
  time_limit_ = std::chrono::milliseconds(100);
  Inject(ReplaceFile({.retries_for_ever = true}));
  EXPECT_THAT(Findings(), Contains(StartsWith("error honest hangs")));
  ExpectClean(ReplaceFile());
}

// Which of two ways it takes depends on how often it was run.
TEST_F(FaultsFakeTest, ARunThatTakesAnotherPathIsABoundAndNoPass) {
  int runs = 0;
  Inject([&runs](FakeProcess& p) {
    if (++runs <= 2) {
      p.Close(p.Open("cache", O_WRONLY | O_CREAT));
      p.Unlink("cache");
    }
    return ReplaceFile()(p);
  });
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, Contains(AllOf(HasSubstr("took another path"),
                                             HasSubstr("ENOSPC at 1 openat(cache)"))));
  EXPECT_FALSE(result_.exhaustive());
}

TEST_F(FaultsFakeTest, ABoundOnTheNumberOfRunsIsSaid) {
  FaultOptions options;
  options.most_runs = 5;
  std::vector<uint64_t> announced;
  options.announce = [&](uint64_t cases) { announced.push_back(cases); };
  Inject(ReplaceFile({.leaves_temporary = true}), options);
  EXPECT_EQ(result_.cases, 5u);
  EXPECT_THAT(announced, ElementsAre(5u));
  EXPECT_THAT(result_.bounds, Contains(HasSubstr("--max-faults")));
}

// Keeps the old file aside, and puts it back when the new one cannot be published.
int WithRollback(FakeProcess& p, bool checks_rollback) {
  const int fd = p.Open("f.tmp", O_WRONLY | O_CREAT | O_TRUNC);
  if (fd < 0) return 1;
  const bool written = p.Write(fd, "new") == 3 && p.Fsync(fd) == 0;
  if (p.Close(fd) != 0 || !written) {
    p.Unlink("f.tmp");
    return 1;
  }
  if (!checks_rollback) {
    if (p.Rename("f", "f.old") != 0) {
      p.Unlink("f.tmp");
      return 1;
    }
  }
  if (p.Rename("f.tmp", "f") != 0) {
    p.Unlink("f.tmp");
    if (!checks_rollback) p.Rename("f.old", "f");
    return 1;
  }
  if (!checks_rollback) p.Unlink("f.old");
  return 0;
}

TEST_F(FaultsFakeTest, ARollbackThatFailsIsFoundAtDepthTwo) {
  const auto rename_fails =
      Contains(AllOf(StartsWith("error atomic missing"), HasSubstr(", then ")));
  const FakeProgram moves = [](FakeProcess& p) { return WithRollback(p, false); };
  FaultOptions options;
  Inject(moves, options);
  EXPECT_THAT(Findings(), Not(rename_fails));
  options.depth = 2;
  Inject(moves, options);
  EXPECT_THAT(Findings(), rename_fails);
  Inject([](FakeProcess& p) { return WithRollback(p, true); }, options);
  EXPECT_THAT(Findings(), Not(rename_fails));
}

TEST_F(FaultsFakeTest, WhatWasAskedForByHandIsInjectedAlone) {
  FaultOptions options;
  options.by_hand = {"rename:error=EXDEV:when=1"};
  Inject(ReplaceFile({.ignores_rename = true}), options);
  EXPECT_EQ(result_.cases, 1u);
  EXPECT_THAT(Findings(), Contains(StartsWith("error honest not-done")));
  for (const Finding& finding : result_.findings)
    EXPECT_THAT(finding.again, HasSubstr("--inject rename:error=EXDEV:when=1 -- "));

  options.by_hand = {"rename:error=EXDEV:when=7"};
  Inject(ReplaceFile({.ignores_rename = true}), options);
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(result_.bounds, Not(IsEmpty())) << "nothing was injected: no pass";

  options.by_hand = {"rename:error=NOTHING"};
  const auto mistake = TryToExplore(*MakeFaultExplorer(options));
  ASSERT_FALSE(mistake);
  EXPECT_EQ(mistake.error().exit_code, ExitCode::kUsage);
}

TEST_F(FaultsFakeTest, ContentThatCarriesTheTimeIsNoFinding) {
  ExpectClean([](FakeProcess& p) {
    Mistakes none;
    none.content = "written at " + std::to_string(p.Now() / 1'000);
    return ReplaceFile(none)(p);
  });
}

TEST_F(FaultsFakeTest, WithoutSandboxesInMemoryFullDisksAreLeftOutAndThatIsSaid) {
  Inject(ReplaceFile());
  EXPECT_THAT(result_.notes, Contains(HasSubstr("full disks were not tried")));
}

}  // namespace
}  // namespace oldornew
