#include "search/kill_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "cases/case.h"
#include "cases/kill_states.h"
#include "finding/bundle.h"
#include "model/testing/trace_builder.h"
#include "search/search_test_support.h"

namespace oldornew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

KillFindings Searched(const Trace& trace, const Question& question = {}) {
  const JudgedTrace judged = PrepareToJudge(trace, question, {}).value();
  auto result = SearchKills(judged, question, "kill", 1000);
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : KillFindings{};
}

// `pages` pages, each of its own letter.
std::string Pages(int pages, char first) {
  std::string out;
  for (int i = 0; i < pages; ++i) out += std::string(kPageSize, static_cast<char>(first + i));
  return out;
}

TEST(KillSearch, AFileThatIsTruncatedFirstIsFoundWithTheCallBeforeTheKill) {
  const Trace trace =
      TraceBuilder().OldFile("f", "old").Truncate("f", 0).Write("f", 0, "new").Exit().Build();
  const auto findings = Searched(trace).findings;
  ASSERT_THAT(findings, SizeIs(1));
  const Finding& finding = findings[0];
  EXPECT_EQ(finding.oracle, Oracle::kAtomic);
  EXPECT_EQ(finding.axis, "kill");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_THAT(finding.message, HasSubstr("f can be EMPTY when all is killed after 1 "));
  EXPECT_THAT(finding.outcomes.at(Outcome::kEmpty), IsEmpty()) << "whatever the file system";
  EXPECT_EQ(finding.token(), "kill/1/" + trace.Identity().Short());
  EXPECT_THAT(finding.shown.marks, SizeIs(2))
      << "where it breaks, and from where on it is whole again";
}

TEST(KillSearch, ReplacingAFileIsCleanWithAndWithoutSync) {
  for (const bool sync : {false, true}) {
    TraceBuilder builder;
    builder.OldFile("f", Pages(3, 'a')).Create("t").Write("t", 0, Pages(4, 'n'));
    if (sync) builder.Fsync("t");
    const KillFindings result = Searched(builder.Rename("t", "f").Exit().Build());
    EXPECT_THAT(result.findings, IsEmpty()) << "the page cache survives a kill";
    EXPECT_EQ(result.moments, 3u);
  }
}

TEST(KillSearch, AWriteOfSeveralPagesCanEndBehindEachOfThem) {
  const Trace trace =
      TraceBuilder().OldFile("f", Pages(4, 'a')).Write("f", 100, Pages(3, 'n')).Exit().Build();
  KillWalk walk(trace);
  ASSERT_TRUE(walk.Next());
  EXPECT_THAT(walk.Inside(),
              ElementsAre(kPageSize - 100, 2 * kPageSize - 100, 3 * kPageSize - 100));
  for (const uint64_t bytes : walk.Inside()) {
    const std::string expected = Pages(4, 'a').replace(100, bytes, Pages(3, 'n').substr(0, bytes));
    EXPECT_EQ(walk.TreeInside(bytes).at(1).content.ToString(), expected);
    const auto realised = Realise(trace, CaseOf(trace, Kill{0, bytes}));
    ASSERT_TRUE(realised) << bytes;
    EXPECT_EQ(realised->tree.at(1).content.ToString(), expected);
  }
  EXPECT_FALSE(walk.Next());
  const auto findings = Searched(trace).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(
      findings[0].message,
      HasSubstr(
          "be TORN (parts of several versions) when all is killed in the middle of 1 pwrite64(f"));
}

TEST(KillSearch, PagesThatAreWrittenAgainAsTheyWereAreNoMoments) {
  std::string bytes = Pages(5, 'a');
  bytes[2 * kPageSize] = 'z';
  const Trace one = TraceBuilder().OldFile("f", Pages(5, 'a')).Write("f", 0, bytes).Exit().Build();
  KillWalk walk(one);
  ASSERT_TRUE(walk.Next());
  EXPECT_THAT(walk.Inside(), ElementsAre(3 * kPageSize));
  EXPECT_THAT(Searched(one).findings, IsEmpty()) << "one page changes: old or new at every moment";
  bytes[4 * kPageSize] = 'z';
  const Trace two = TraceBuilder().OldFile("f", Pages(5, 'a')).Write("f", 0, bytes).Exit().Build();
  EXPECT_THAT(Searched(two).findings, SizeIs(1)) << "between the two it is neither";
}

TEST(KillSearch, EveryGrowingPageIsAMomentEvenIfItIsZero) {
  const std::string zeros(3 * kPageSize, '\0');
  const Trace trace = TraceBuilder().OldFile("f", "").Write("f", 0, zeros).Exit().Build();
  KillWalk walk(trace);
  ASSERT_TRUE(walk.Next());
  EXPECT_THAT(walk.Inside(), ElementsAre(kPageSize, 2 * kPageSize));
}

// Every moment that a report can name, computed another way: all prefixes of calls, and of writes
// by pages.
TEST(KillSearch, FindsExactlyTheSubjectsThatSomePrefixOfTheRunLeavesBroken) {
  TraceBuilder builder;
  builder.OldFile("a", "old").OldFile("b", Pages(3, 'a')).OldFile("c", "old").OldFile("d", "old");
  builder.Truncate("a", 0).Write("a", 0, "new");
  builder.Create("t").Write("t", 0, Pages(3, 'n')).Rename("t", "b");
  builder.Unlink("c").Create("c").Write("c", 0, "new");
  builder.Write("d", 0, "new");
  const Trace trace = builder.Exit().Build();
  std::set<std::string> broken;
  for (const char* name : {"a", "b", "c", "d"}) {
    const Subject subject{name, {{0, name}}, false};
    const VersionHistory history = TraceVersions(trace, subject, {});
    for (uint32_t point = 0; point <= trace.ops.size(); ++point) {
      const auto state = Realise(trace, CaseOf(trace, Kill{point, 0}));
      ASSERT_TRUE(state);
      const auto violation = JudgeState(trace, subject, history, state->tree, point);
      if (violation && violation->oracle == Oracle::kAtomic) broken.insert(name);
    }
  }
  std::set<std::string> found;
  for (const Finding& finding : Searched(trace).findings) found.insert(finding.path());
  EXPECT_EQ(found, broken);
  EXPECT_EQ(found, (std::set<std::string>{"a", "c"}));
}

TEST(KillSearch, SetsAndDirectoriesAreJudgedAsTheyAreForPowerCuts) {
  TraceBuilder builder;
  builder.OldFile("a", "old").OldFile("b", "old");
  for (const char* name : {"a", "b"}) builder.Create("t").Write("t", 0, "new").Rename("t", name);
  const Trace trace = builder.Exit().Build();
  EXPECT_THAT(Searched(trace).findings, IsEmpty());
  Question together;
  together.watch.together = {{"a", "b"}};
  const auto findings = Searched(trace, together).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].message, HasSubstr("be MIXED"));
}

TEST(KillSearch, APromiseThatTheProgramTakesBackIsFound) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", "")
                          .Write("f", 0, "x")
                          .Output("saved\n")
                          .Truncate("f", 0)
                          .Write("f", 0, "x")
                          .Exit()
                          .Build();
  EXPECT_THAT(Searched(trace).findings, IsEmpty()) << "nothing was said before the end";
  Question question;
  question.ack = ParseAck("saved").value();
  question.durable_is_error = true;
  const KillFindings result = Searched(trace, question);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].oracle, Oracle::kDurable);
  EXPECT_THAT(result.findings[0].message,
              HasSubstr("f can still be OLD when all is killed after 3 "));
}

TEST(KillSearch, OneLineOfTheProgramIsOneFinding) {
  for (const bool same_line : {true, false}) {
    TraceBuilder builder;
    builder.OldFile("a", "old").OldFile("b", "old");
    for (const char* name : {"a", "b"}) builder.Truncate(name, 0).Write(name, 0, "new");
    Trace trace = builder.Exit().Build();
    trace.processes = {{1, -1, "/bin/loop", {"loop"}, true, {{0x1000, 0x9000, 0, "/bin/loop"}}}};
    for (size_t i = 0; i < trace.ops.size(); ++i)
      trace.ops[i].stack = {0x2000 + 16 * (same_line ? i % 2 : i)};
    const auto findings = Searched(trace).findings;
    ASSERT_THAT(findings, SizeIs(same_line ? 1 : 2));
    EXPECT_THAT(findings[0].subjects, SizeIs(same_line ? 2 : 1));
    for (const Finding& finding : findings) {
      for (const FindingSubject& subject : finding.subjects) {
        const auto realised = testing::RealiseToken(trace, subject.token);
        ASSERT_TRUE(realised);
        EXPECT_TRUE(realised->tree.at(*realised->tree.Lookup(subject.path)).content.empty());
      }
    }
  }
}

TEST(KillSearch, ItsIdIsNotThatOfThePowerCutAndIsTheSameInEveryRun) {
  std::set<std::string> ids;
  for (const char* bytes : {"new", "newer", "another one"}) {
    const Trace trace =
        TraceBuilder().OldFile("f", "old").Truncate("f", 0).Write("f", 0, bytes).Exit().Build();
    ids.insert(FindingId(Searched(trace).findings.at(0)));
    const auto other = testing::Search(trace, testing::AskedUnder({"xfs"})).value();
    for (const Finding& finding : other.findings) EXPECT_FALSE(ids.contains(FindingId(finding)));
  }
  EXPECT_THAT(ids, SizeIs(1));
}

TEST(KillToken, EveryBrokenOneIsRefused) {
  const Trace trace =
      TraceBuilder().OldFile("f", "old").Write("f", 0, Pages(2, 'n')).Exit().Build();
  const std::string id = trace.Identity().Short();
  for (const std::string& bad : std::vector<std::string>{
           "kill/", "kill/1", "kill//" + id, "kill/x/" + id, "kill/1x/" + id, "kill/-1/" + id,
           "kill/9/" + id, "kill/0.0/" + id, "kill/0./" + id, "kill/0.1x/" + id,
           "kill/1.4096/" + id, "kill/0.8192/" + id, "kill/2.1/" + id, "kill/0/00000000"}) {
    const auto realised = testing::RealiseToken(trace, bad);
    ASSERT_FALSE(realised) << bad;
    EXPECT_EQ(realised.error().exit_code, ExitCode::kUsage) << bad;
  }
  const auto parsed = ParseToken("kill/0.4096/" + id);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(FormatToken(*parsed), "kill/0.4096/" + id);
}

TEST(KillSearch, ItsBundleIsReadBackAndExplained) {
  Trace trace =
      TraceBuilder().OldFile("f", "old").Truncate("f", 0).Write("f", 0, "new").Exit().Build();
  trace.processes = {{1, -1, "/bin/save", {"save"}, true, {}}};
  const Finding finding = Searched(trace).findings.at(0);
  const Subject subject{"f", {{0, "f"}}, false};
  const auto bundle = DecodeBundle(EncodeBundle(HeaderOf(trace, finding, &subject), trace));
  ASSERT_TRUE(bundle) << bundle.error().message;
  const auto again = FindingOf(*bundle);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->axis, "kill");
  EXPECT_EQ(again->outcomes, finding.outcomes);
  EXPECT_EQ(FindingId(*again), FindingId(finding));
}

}  // namespace
}  // namespace oldornew
