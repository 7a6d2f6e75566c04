#include "search/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cases/case.h"
#include "finding/builder.h"
#include "model/testing/trace_builder.h"
#include "oracle/path_patterns.h"
#include "search/search_test_support.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

const std::string kOld(5000, 'o');
const std::string kNew(6000, 'n');

using testing::Asked;
using testing::AskedUnder;

testing::Answer Searched(const Trace& trace, const Asked& asked) {
  auto result = testing::Search(trace, asked);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : testing::Answer{};
}

std::set<std::string> Outcomes(const SearchResult& result, const std::string& profile) {
  std::set<std::string> out;
  for (const Finding& finding : result.findings) {
    for (const auto& [outcome, profiles] : finding.outcomes) {
      if (std::find(profiles.begin(), profiles.end(), profile) == profiles.end()) continue;
      out.insert(std::string(OracleName(finding.oracle)) + ":" + OutcomeName(outcome));
    }
  }
  return out;
}

TraceBuilder Replace() { return TraceBuilder().OldFile("f", kOld).Create("t").Write("t", 0, kNew); }

TEST(Search, AReplaceWithoutFsyncIsEmptyOnXfsAndZerosOnExt4) {
  const Trace trace = Replace().Rename("t", "f").Exit().Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4", "xfs", "btrfs"}));
  EXPECT_THAT(Outcomes(result, "xfs"), Contains("atomic:empty"));
  EXPECT_THAT(Outcomes(result, "ext4"), Contains("atomic:zeros"));
  EXPECT_THAT(Outcomes(result, "btrfs"), Contains("atomic:empty"));
  EXPECT_THAT(Outcomes(result, "ext4"), Not(Contains("atomic:empty")));
  for (const char* profile : {"ext4", "xfs", "btrfs"})
    EXPECT_THAT(Outcomes(result, profile), Contains("durable:old-after-ack"));
  EXPECT_TRUE(result.coverage.exhaustive);
}

TEST(Finding, ItsIdDependsOnTheProgramAndNotOnTheRecording) {
  const auto ids = [](const Trace& trace, const std::vector<std::string>& profiles) {
    std::vector<std::string> out;
    for (const Finding& finding : Searched(trace, AskedUnder(profiles)).findings)
      out.push_back(FindingId(finding));
    return out;
  };
  const auto first = ids(Replace().Rename("t", "f").Exit().Build(), {"ext4", "xfs"});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_NE(first[0], first[1]);
  // Another temporary name, other content, a call more, other profiles.
  TraceBuilder other;
  other.OldFile("f", "x")
      .OldFile("g", "y")
      .Create("t9")
      .Write("t9", 0, "z")
      .Chmod("t9", 0600)
      .Rename("t9", "f");
  EXPECT_EQ(ids(other.Exit().Build(), {"mainstream"}), first);
  EXPECT_NE(ids(TraceBuilder()
                    .OldFile("h", kOld)
                    .Create("t")
                    .Write("t", 0, kNew)
                    .Rename("t", "h")
                    .Exit()
                    .Build(),
                {"ext4"})[0],
            first[0])
      << "another subject";
}

TEST(Finding, RandomPartsOfNamesThatTheRunMadeDoNotCount) {
  TraceBuilder builder;
  builder.OldFile("keptB3xK9a", "x");
  const Trace trace = builder.Build();
  for (const char* name : {"sedB3xK9a", "sedQQ7abc", "sed4Km0pp"})
    EXPECT_EQ(SubjectPattern(trace, name), "*");
  EXPECT_EQ(SubjectPattern(trace, "d/out.31415926.tmp"), "d/out.*.tmp");
  EXPECT_EQ(SubjectPattern(trace, "keptB3xK9a"), "keptB3xK9a");
  for (const char* name :
       {"config.toml", "README", "Makefile", "f0", "data.mdb", "index.lock", "a-journal"})
    EXPECT_EQ(SubjectPattern(trace, name), name);
}

TEST(Search, TheRepairOfAReplaceIsTheMissingFsyncAndTheDirectorys) {
  const Trace trace = Replace().Rename("t", "f").Exit().Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4", "xfs"}));
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_THAT(testing::RepairTexts(result.findings[0]),
              ::testing::ElementsAre("fsync(t) after 2 pwrite64(t, 6000 B)"));
  EXPECT_THAT(testing::RepairTexts(result.findings[1]),
              ::testing::ElementsAre("fsync(t) after 2 pwrite64(t, 6000 B)",
                                     "fsync(.) after 3 rename(t → f)"));
}

TEST(Search, ADurableNewFileNeedsItsBytesAndItsName) {
  const Trace trace = TraceBuilder().Create("f").Write("f", 0, kNew).Exit().Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4", "xfs", "posix"}));
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_THAT(result.findings[1].message, HasSubstr("f can still be MISSING (old) after"));
  EXPECT_THAT(testing::RepairTexts(result.findings[1]),
              ::testing::ElementsAre("fsync(f) after 2 pwrite64(f, 6000 B)",
                                     "fsync(.) after 1 openat(f, 0644)"));
}

TEST(Search, ARemovedFileCanStillBeThere) {
  const Trace trace = TraceBuilder().OldFile("f", kOld).Unlink("f").Exit().Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4"}));
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_THAT(result.findings[0].message, HasSubstr("f can still be THERE (old) after"));
}

TEST(Search, TheCarefulReplaceIsCleanInEveryProfileThatSyncs) {
  const Trace trace = Replace().Fsync("t").Rename("t", "f").Fsync("").Exit().Build();
  const testing::Answer result = Searched(trace, AskedUnder({"all"}));
  for (const Finding& finding : result.findings) ADD_FAILURE() << finding.message;
  EXPECT_TRUE(result.coverage.exhaustive);
  EXPECT_THAT(result.subjects, ::testing::ElementsAre("f"));
}

TEST(Search, DeletingAnyOneSyncOfTheCarefulReplaceIsFound) {
  const Trace careful = Replace().Fsync("t").Rename("t", "f").Fsync("").Exit().Build();
  for (size_t i = 0; i < careful.ops.size(); ++i) {
    if (careful.ops[i].kind != OpKind::kFsync) continue;
    Trace holed = careful;
    holed.ops.erase(holed.ops.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_THAT(Searched(holed, AskedUnder({"mainstream"})).findings, Not(IsEmpty()))
        << "without op " << i;
  }
}

TEST(Search, EveryTokenRealisesToAStateThatFailsTheSameOracle) {
  const Trace trace = Replace().Rename("t", "f").Exit().Build();
  const Asked asked = AskedUnder({"all"});
  for (const Finding& finding : Searched(trace, asked).findings) {
    const auto parsed = ParseToken(finding.token());
    ASSERT_TRUE(parsed) << finding.token();
    const auto state = Realise(trace, *parsed);
    ASSERT_TRUE(state) << state.error().message;
    const Subject subject{"f", {{0, "f"}}, false};
    const auto violation =
        JudgeState(trace, subject, TraceVersions(trace, subject, asked.question.ack), state->tree,
                   state->last_point);
    ASSERT_TRUE(violation) << finding.token();
    EXPECT_EQ(violation->oracle, finding.oracle) << finding.token();
    EXPECT_EQ(violation->outcome, finding.shown.outcome) << finding.token();
  }
}

TEST(Search, ATokenOfAnotherTraceIsRefused) {
  const Trace trace = Replace().Rename("t", "f").Exit().Build();
  const Trace other = Replace().Fsync("t").Rename("t", "f").Exit().Build();
  const auto findings = Searched(trace, AskedUnder({"xfs"})).findings;
  ASSERT_FALSE(findings.empty());
  const auto state = Realise(other, ParseToken(findings[0].token()).value());
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().exit_code, ExitCode::kUsage);
}

TEST(Search, TheResultDoesNotDependOnTheNumberOfThreads) {
  const Trace trace = Replace().Rename("t", "f").Create("g").Write("g", 0, kNew).Exit().Build();
  Asked asked = AskedUnder({"all"});
  std::vector<std::string> seen;
  for (const int jobs : {1, 2, 5}) {
    asked.jobs = jobs;
    std::string text;
    for (const Finding& finding : Searched(trace, asked).findings)
      text += finding.message + finding.token() + "\n";
    seen.push_back(text);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
}

TEST(Search, ABoundThatIsReachedIsSaidAndIsNoPass) {
  TraceBuilder builder;
  builder.OldFile("f", std::string(64 * kPageSize, 'o'));
  for (uint64_t page = 0; page < 64; ++page)
    builder.Write("f", page * kPageSize, std::string(kPageSize, 'n'));
  const Trace trace = builder.Exit().Build();
  Asked asked = AskedUnder({"xfs"});
  asked.space.limits.max_states = 100;
  asked.question.expect = {Oracle::kDurable};
  const testing::Answer result = Searched(trace, asked);
  EXPECT_FALSE(result.coverage.exhaustive);
}

TEST(Search, AHintThatCouldNotBeExploredToTheEndLeavesTheVerdictExhaustiveAndIsSaid) {
  TraceBuilder builder;
  builder.OldFile("f", kOld).Create("t");
  for (uint64_t page = 0; page < 12; ++page)
    builder.Write("t", page * kPageSize, std::string(kPageSize, 'n'));
  const Trace trace = builder.Rename("t", "f").Exit().Build();
  Asked asked = AskedUnder({"ext4,data=journal"});
  asked.space.pedantic = SelectProfiles({"posix"}).value();
  asked.space.limits.max_states = 1000;
  const testing::Answer result = Searched(trace, asked);
  EXPECT_TRUE(result.coverage.exhaustive);
  EXPECT_THAT(result.notes, Contains(HasSubstr("posix, explored as a hint")));
}

TEST(Search, ASymlinkFlipToAnUnsyncedDirectoryShowsItThroughTheLink) {
  const Trace trace = TraceBuilder()
                          .OldDir("v1")
                          .OldFile("v1/k", kOld)
                          .OldSymlink("cur", "v1")
                          .Mkdir("v2")
                          .Create("v2/k")
                          .Write("v2/k", 0, kNew)
                          .Symlink("tmp", "v2")
                          .Rename("tmp", "cur")
                          .Exit()
                          .Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4", "xfs"}));
  EXPECT_THAT(result.subjects, ::testing::ElementsAre("cur"))
      << "v2/k is staging: only what the link shows counts";
  ASSERT_FALSE(result.findings.empty());
  EXPECT_EQ(result.findings[0].oracle, Oracle::kAtomic);
  EXPECT_EQ(result.findings[0].at(), "cur/k");
  EXPECT_THAT(testing::RepairTexts(result.findings[0]),
              ::testing::ElementsAre("fsync(v2/k) after 3 pwrite64(v2/k, 6000 B)"));
}

TEST(Search, ALinkIntoATemporaryDirectoryIsNotPassed) {
  const Trace trace = TraceBuilder()
                          .OldRoot("scratch", RootRole::kTemporary, 1)
                          .OldSymlink("cur", "v1")
                          .Symlink("next", "/scratch/v2")
                          .Rename("next", "cur")
                          .Fsync("")
                          .Exit()
                          .Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4"}));
  ASSERT_EQ(result.unsupported.size(), 1u);
  EXPECT_THAT(result.unsupported[0], HasSubstr("cur now leads to /scratch/v2"));
}

TEST(Search, ASyncedDirectoryBehindAFlippedLinkIsClean) {
  const Trace trace = TraceBuilder()
                          .OldDir("v1")
                          .OldFile("v1/k", kOld)
                          .OldSymlink("cur", "v1")
                          .Mkdir("v2")
                          .Create("v2/k")
                          .Write("v2/k", 0, kNew)
                          .Fsync("v2/k")
                          .Fsync("v2")
                          .Symlink("tmp", "v2")
                          .Fsync("")
                          .Rename("tmp", "cur")
                          .Fsync("")
                          .Unlink("v1/k")
                          .Unlink("v1")
                          .Exit()
                          .Build();
  for (const Finding& finding : Searched(trace, AskedUnder({"all"})).findings)
    ADD_FAILURE() << finding.message;
}

TEST(Search, APublishedVersionInBetweenIsAcceptable) {
  const Trace trace = Replace()
                          .Fsync("t")
                          .Rename("t", "f")
                          .Fsync("")
                          .Create("t")
                          .Write("t", 0, "third")
                          .Fsync("t")
                          .Rename("t", "f")
                          .Fsync("")
                          .Exit()
                          .Build();
  for (const Finding& finding : Searched(trace, AskedUnder({"all"})).findings)
    ADD_FAILURE() << finding.message;
  Asked strict = AskedUnder({"ext4"});
  strict.question.ack.strict_versions = true;
  EXPECT_THAT(Searched(trace, strict).findings, Not(IsEmpty()))
      << "--versions endpoints accepts only old and new";
}

TEST(Search, AnAcknowledgedLineMakesAnOlderVersionAnError) {
  const Trace trace =
      Replace().Fsync("t").Rename("t", "f").Output("saved\n").Fsync("").Exit().Build();
  Asked asked = AskedUnder({"xfs"});
  EXPECT_THAT(Searched(trace, asked).findings, IsEmpty()) << "by its exit everything is durable";
  asked.question.ack = ParseAck("^saved$").value();
  asked.question.durable_is_error = true;
  const auto findings = Searched(trace, asked).findings;
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].oracle, Oracle::kDurable);
  EXPECT_EQ(findings[0].severity, Severity::kError);
  EXPECT_THAT(findings[0].message, HasSubstr("said \"saved\""));
}

TEST(Search, WithoutAnAcknowledgementNothingIsPromised) {
  const Trace trace = Replace().Fsync("t").Rename("t", "f").Exit().Build();
  Asked asked = AskedUnder({"mainstream"});
  EXPECT_THAT(Searched(trace, asked).findings, Not(IsEmpty()));
  asked.question.ack = ParseAck("none").value();
  EXPECT_THAT(Searched(trace, asked).findings, IsEmpty());
}

TEST(Search, TwoFilesTogetherCanBeMixedThoughEachIsWhole) {
  const Trace trace = TraceBuilder()
                          .OldFile("a", "1")
                          .OldFile("b", "1")
                          .Create("ta")
                          .Write("ta", 0, "2")
                          .Fsync("ta")
                          .Rename("ta", "a")
                          .Create("tb")
                          .Write("tb", 0, "2")
                          .Fsync("tb")
                          .Rename("tb", "b")
                          .Fsync("")
                          .Exit()
                          .Build();
  Asked asked = AskedUnder({"ext4", "xfs"});
  EXPECT_THAT(Searched(trace, asked).findings, IsEmpty());
  asked.question.watch.together = {{"a", "b"}};
  const auto findings = Searched(trace, asked).findings;
  ASSERT_FALSE(findings.empty());
  EXPECT_THAT(findings[0].outcomes, Contains(Key(Outcome::kMixed)));
}

TEST(Search, AWatchedDirectoryIsOneValueAndARenameInsideItIsNoNewVersion) {
  const Trace trace = TraceBuilder()
                          .OldDir("d")
                          .OldFile("d/a", "1")
                          .OldFile("d/b", "1")
                          .Create("d/t")
                          .Write("d/t", 0, "2")
                          .Fsync("d/t")
                          .Rename("d/t", "d/a")
                          .Create("d/t")
                          .Write("d/t", 0, "2")
                          .Fsync("d/t")
                          .Rename("d/t", "d/b")
                          .Fsync("d")
                          .Exit()
                          .Build();
  Asked asked = AskedUnder({"ext4", "xfs"});
  EXPECT_THAT(Searched(trace, asked).findings, IsEmpty());
  asked.question.watch.watch = {"d"};
  EXPECT_THAT(Searched(trace, asked).findings, Not(IsEmpty()));
}

TEST(Search, AFileInASecondJudgedDirectoryIsFoundThere) {
  const auto builder = [] {
    return TraceBuilder()
        .OldRoot("other", RootRole::kJudged, 1)
        .Create("other:t")
        .Write("other:t", 0, kNew);
  };
  const testing::Answer careless =
      Searched(builder().Rename("other:t", "other:f").Exit().Build(), AskedUnder({"ext4", "xfs"}));
  EXPECT_THAT(careless.subjects, ::testing::ElementsAre("/other/f"));
  EXPECT_THAT(Outcomes(careless, "xfs"), Contains("atomic:empty"));
  const testing::Answer careful = Searched(
      builder().Fsync("other:t").Rename("other:t", "other:f").Fsync("other:").Exit().Build(),
      AskedUnder({"all"}));
  for (const Finding& finding : careful.findings) ADD_FAILURE() << finding.message;
}

TEST(Search, AnInPlaceDatabaseIsNotJudgedWithoutAView) {
  std::string header("SQLite format 3\0", 16);
  const Trace trace = TraceBuilder()
                          .OldFile("a.db", header + kOld)
                          .Create("a.db-journal")
                          .Write("a.db-journal", 0, kOld)
                          .Fsync("a.db-journal")
                          .Write("a.db", 16, kNew)
                          .Fsync("a.db")
                          .Unlink("a.db-journal")
                          .Exit()
                          .Build();
  const testing::Answer result = Searched(trace, AskedUnder({"ext4"}));
  ASSERT_EQ(result.unsupported.size(), 1u);
  EXPECT_THAT(result.unsupported[0], HasSubstr("--view 'sqlite3 a.db .dump'"));
}

// A logical view for a toy database: the journal, if there, is rolled back.
CheckerAnswer ToyView(const FileTree& tree) {
  const auto journal = tree.Lookup("journal");
  const auto data = tree.Lookup("data");
  const bool valid = journal && tree.at(*journal).content.ToString().starts_with("undo:");
  if (valid) return {0, tree.at(*journal).content.ToString().substr(5)};
  return {0, data ? tree.at(*data).content.ToString() : "no data"};
}

TraceBuilder ToyTransaction(bool sync_journal) {
  TraceBuilder builder;
  builder.OldFile("data", "aaaa").Create("journal").Write("journal", 0, "undo:aaaa");
  if (sync_journal) builder.Fsync("journal").Fsync("");
  builder.Write("data", 0, "bbbb").Fsync("data").Unlink("journal").Fsync("").Exit();
  return builder;
}

TEST(Search, AViewJudgesTheLogicalContentAndFindsAnUnsyncedJournal) {
  Asked asked = AskedUnder({"ext4", "xfs", "btrfs"});
  asked.pool = {{[](const FileTree& tree, const CheckerContext&) -> Result<CheckerAnswer> {
                   return ToyView(tree);
                 },
                 {}}};
  EXPECT_THAT(Searched(ToyTransaction(true).Build(), asked).findings, IsEmpty());
  // Without the syncs the journal may be empty while pages of the data are half written: seen at
  // sector grain or not at all for four bytes, so the journal's own content is what goes wrong:
  // zeros that are no undo record do not matter here.
  const Checker checker = [](const FileTree& tree, const CheckerContext&) -> Result<CheckerAnswer> {
    const auto journal = tree.Lookup("journal");
    if (journal && !tree.at(*journal).content.ToString().starts_with("undo:"))
      return CheckerAnswer{1, "damaged journal"};
    return ToyView(tree);
  };
  asked.pool = {{checker, {}}};
  const auto findings = Searched(ToyTransaction(false).Build(), asked).findings;
  ASSERT_FALSE(findings.empty());
  EXPECT_THAT(findings[0].outcomes, Contains(Key(Outcome::kUnlikeAnyVersion)));
  EXPECT_THAT(findings[0].shown.evidence, HasSubstr("damaged journal"));
}

TEST(Search, AViewThatPrintsSomethingElseEachTimeIsRefused) {
  Asked asked = AskedUnder({"ext4"});
  int calls = 0;
  const Checker checker = [&](const FileTree&, const CheckerContext&) -> Result<CheckerAnswer> {
    return CheckerAnswer{0, std::to_string(++calls)};
  };
  asked.pool = {{checker, {}}};
  const auto result = testing::Search(ToyTransaction(true).Build(), asked);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit_code, ExitCode::kUsage);
}

TEST(Search, ACheckIsToldHowMuchWasAcknowledged) {
  const Trace trace = Replace().Fsync("t").Rename("t", "f").Exit().Build();
  Asked asked = AskedUnder({"xfs"});
  const Checker checker = [](const FileTree& tree,
                             const CheckerContext& context) -> Result<CheckerAnswer> {
    const bool is_new = tree.at(*tree.Lookup("f")).content.ToString() == kNew;
    return CheckerAnswer{context.acked > 0 && !is_new ? 1 : 0, ""};
  };
  asked.pool = {{{}, checker}};
  const auto findings = Searched(trace, asked).findings;
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].oracle, Oracle::kCheck);
}

TEST(Search, ACheckThatRejectsTheNewStateItselfIsABrokenBaseline) {
  Asked asked = AskedUnder({"xfs"});
  const Checker checker = [](const FileTree&,
                             const CheckerContext& context) -> Result<CheckerAnswer> {
    return CheckerAnswer{context.acked > 0 ? 1 : 0, "no"};
  };
  asked.pool = {{{}, checker}};
  const auto result = testing::Search(Replace().Rename("t", "f").Exit().Build(), asked);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().exit_code, ExitCode::kBaselineFailed);
}

TEST(Search, AFindingOnlyInPosixIsPedanticAndDoesNotFail) {
  // POSIX promises nothing of the name of a synced new file.
  const Trace trace = TraceBuilder().Create("n").Write("n", 0, kNew).Fsync("n").Exit().Build();
  Asked asked = AskedUnder({"ext4"});
  asked.question.expect = {Oracle::kDurable};
  asked.space.pedantic = SelectProfiles({"posix"}).value();
  const testing::Answer result = Searched(trace, asked);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_TRUE(result.findings[0].pedantic);
}

}  // namespace
}  // namespace oldornew
