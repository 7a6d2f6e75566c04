// What becomes of a finding after the search: which effects matter, causes, windows, reasons,
// bundles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"
#include "cases/case.h"
#include "finding/bundle.h"
#include "finding/why.h"
#include "finding/window.h"
#include "finding/words.h"
#include "model/testing/trace_builder.h"
#include "search/cause.h"
#include "search/needed.h"
#include "search/search_test_support.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string kOld(5000, 'o');
const std::string kNew(6000, 'n');

testing::Answer Searched(const Trace& trace, const std::vector<std::string>& profiles) {
  auto result = testing::Search(trace, testing::AskedUnder(profiles));
  EXPECT_TRUE(result) << result.error().message;
  return result ? *result : testing::Answer{};
}

// As a check does it, with nothing but the default question.
void Mark(const Trace& trace, const Subject& subject, Finding* finding) {
  const Question question;
  MarkNeeded(trace, BytesJudge(trace, subject, question), finding);
}

TraceBuilder Replace() {
  TraceBuilder builder;
  builder.OldFile("f", kOld).Create("t").Write("t", 0, kNew).Rename("t", "f");
  return builder;
}

TEST(Needed, ALostCallThatChangesNothingIsToldFromOneThatDoes) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", kOld)
                          .Create("u")
                          .Write("u", 0, "x")
                          .Create("t")
                          .Write("t", 0, kNew)
                          .Rename("t", "f")
                          .Exit()
                          .Build();
  Finding finding;
  finding.oracle = Oracle::kAtomic;
  finding.shown.lost = {{1, Effect::Extent::kWhole, ""}, {3, Effect::Extent::kWhole, ""}};
  finding.shown.first_point = finding.shown.last_point = 5;
  const Subject subject{"f", {{0, "f"}}, false};
  Mark(trace, subject, &finding);
  EXPECT_THAT(finding.shown.needed, ElementsAre(false, true));
  DescribeCause(trace, &finding);
  EXPECT_THAT(finding.explanation, HasSubstr("only one call matters"));
}

TEST(Needed, PartsOfCallsAreLeftAlone) {
  Finding finding;
  finding.shown.lost = {{1, Effect::Extent::kPart, "1 of 2 pages"}};
  finding.shown.first_point = 3;
  Mark(Replace().Exit().Build(), {"f", {{0, "f"}}, false}, &finding);
  EXPECT_THAT(finding.shown.needed, IsEmpty());
}

TEST(Needed, EveryFindingOfACarelessReplaceNeedsAllThatItLost) {
  for (const Finding& finding : Searched(Replace().Exit().Build(), {"mainstream"}).findings) {
    ASSERT_FALSE(finding.shown.needed.empty()) << finding.message;
    for (const bool needed : finding.shown.needed) EXPECT_TRUE(needed) << finding.message;
  }
}

// Two files replaced without any sync; `same_line`: both by the same line of the program.
Trace TwoReplaces(bool same_line) {
  Trace trace = TraceBuilder()
                    .OldFile("f", kOld)
                    .OldFile("g", kOld)
                    .Create("t")
                    .Write("t", 0, kNew)
                    .Rename("t", "f")
                    .Create("u")
                    .Write("u", 0, kNew)
                    .Rename("u", "g")
                    .Exit()
                    .Build();
  trace.processes = {{1, -1, "/bin/loop", {"loop"}, true, {{0x1000, 0x9000, 0, "/bin/loop"}}}};
  for (size_t i = 0; i < trace.ops.size(); ++i)
    trace.ops[i].stack = {0x2000 + (same_line ? 16 * (i % 3) : 16 * i)};
  return trace;
}

TEST(Needed, OfAttributesThatAreLostTogetherNoneIsEnough) {
  TraceBuilder builder;
  builder.OldFile("f", kOld).OldMode("f", 0600);
  const Trace trace = builder.Create("t", 0644)
                          .Write("t", 0, kNew)
                          .Chmod("t", 0600)
                          .SetXattr("t", "user.a", "1")
                          .SetTimes("t")
                          .Rename("t", "f")
                          .Exit()
                          .Build();
  const Subject subject{"f", {{0, "f"}}, false};
  Finding finding;
  finding.oracle = Oracle::kAttrs;
  finding.shown.first_point = finding.shown.last_point = 6;
  finding.shown.lost = {{2, Effect::Extent::kWhole, ""}, {3, Effect::Extent::kWhole, ""}};
  Mark(trace, subject, &finding);
  EXPECT_THAT(finding.shown.needed, ElementsAre(false, false));
  finding.shown.lost = {{3, Effect::Extent::kWhole, ""}, {4, Effect::Extent::kWhole, ""}};
  Mark(trace, subject, &finding);
  EXPECT_THAT(finding.shown.needed, ElementsAre(true, false))
      << "times are no attributes that anybody judges";
}

TEST(Repair, NoSyncCuresAttributesThatAreSetAfterTheRename) {
  TraceBuilder builder;
  builder.OldFile("f", kOld).OldMode("f", 0600);
  const Trace trace = builder.Create("t")
                          .Write("t", 0, kNew)
                          .Fsync("t")
                          .Rename("t", "f")
                          .Chmod("f", 0640)
                          .Exit()
                          .Build();
  testing::Asked asked = testing::AskedUnder({"xfs", "posix"});
  asked.question.expect = {Oracle::kAttrs};
  const testing::Answer result = testing::Search(trace, asked).value();
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].oracle, Oracle::kAttrs);
  EXPECT_TRUE(result.findings[0].repair.failed);
  EXPECT_THAT(result.findings[0].repair.steps, IsEmpty());
}

TEST(Cause, FilesThatOneLineWritesAreOneFindingWithTwoSubjects) {
  const auto findings = Searched(TwoReplaces(true), {"xfs"}).findings;
  ASSERT_THAT(findings, SizeIs(2)) << "atomic and durable";
  for (const Finding& finding : findings) {
    ASSERT_THAT(finding.subjects, SizeIs(2)) << finding.message;
    EXPECT_EQ(finding.subjects[0].path, "f");
    EXPECT_EQ(finding.subjects[1].path, "g");
    EXPECT_NE(FindingIds(finding)[0], FindingIds(finding)[1]);
    EXPECT_EQ(FindingIds(finding)[0], FindingId(finding));
  }
}

TEST(Cause, FilesThatDifferentLinesWriteAreFindingsOfTheirOwn) {
  const auto findings = Searched(TwoReplaces(false), {"xfs"}).findings;
  EXPECT_THAT(findings, SizeIs(4));
}

TEST(Cause, OneSyncOfADirectoryCuresAllRenamesInIt) {
  TraceBuilder builder;
  builder.OldFile("f", kOld).OldFile("g", kOld);
  for (const char* name : {"t", "u"}) builder.Create(name).Write(name, 0, kNew).Fsync(name);
  builder.Rename("t", "f").Rename("u", "g");
  const auto findings = Searched(builder.Exit().Build(), {"ext4", "xfs", "btrfs"}).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].subjects, SizeIs(2));
  EXPECT_THAT(testing::RepairTexts(findings[0]), ElementsAre("fsync(.) after 8 rename(u → g)"));
}

TEST(Cause, EveryTokenOfEverySubjectShowsThatSubjectBroken) {
  const Trace trace = TwoReplaces(true);
  for (const Finding& finding : Searched(trace, {"mainstream"}).findings) {
    for (const FindingSubject& subject : finding.subjects) {
      const auto realised = testing::RealiseToken(trace, subject.token);
      ASSERT_TRUE(realised) << subject.token;
      const Subject judged{subject.path, {{0, subject.path}}, false};
      const auto violation = JudgeState(trace, judged, TraceVersions(trace, judged, {}),
                                        realised->tree, realised->last_point);
      ASSERT_TRUE(violation) << subject.path;
      EXPECT_EQ(violation->oracle, finding.oracle);
    }
  }
}

TEST(Window, SaysHowLongForEachFamily) {
  const Trace trace = Replace().Exit().Build();
  const auto findings = Searched(trace, {"ext4", "xfs", "btrfs", "posix"}).findings;
  ASSERT_THAT(findings, SizeIs(2));
  EXPECT_EQ(findings[0].window,
            "up to 25 s on ext4, up to 30 s on xfs and btrfs, without bound on posix");
  EXPECT_EQ(findings[1].window,
            "up to 5 s on ext4, up to 30 s on xfs and btrfs, without bound on posix");
  for (const Finding& finding : findings) {
    EXPECT_THAT(ExplainWindow(trace, finding), SizeIs(4));
  }
}

// Every outcome under every row of the table has a reason, and what it cites is there.
TEST(Why, EveryReasonNamesASourceThatIsInTheDocument) {
  const std::string document =
      ReadFile(std::string(OLDORNEW_SOURCE_DIR) + "/docs/research/persistence-model.md").value();
  const Trace trace = Replace().Exit().Build();
  Finding finding = Searched(trace, {"xfs"}).findings.at(0);
  for (const Oracle oracle : {Oracle::kAtomic, Oracle::kDurable, Oracle::kAttrs}) {
    for (const Outcome outcome :
         {Outcome::kEmpty, Outcome::kZeros, Outcome::kGarbage, Outcome::kTruncated, Outcome::kTorn,
          Outcome::kMissing, Outcome::kDangling, Outcome::kMixed, Outcome::kForeign}) {
      for (const Profile& profile : Profiles()) {
        finding.oracle = oracle;
        finding.outcomes = {{outcome, {profile.name}}};
        const auto reasons = WhyPossible(trace, finding);
        ASSERT_THAT(reasons, SizeIs(1)) << profile.name;
        EXPECT_FALSE(reasons[0].text.empty());
        EXPECT_THAT(reasons[0].profiles, ElementsAre(profile.name));
        std::string source = reasons[0].source;
        for (char& c : source) c = c == ',' ? ' ' : c;
        for (const std::string& word : Split(source, ' ')) {
          if (word.size() < 3 || word[0] != 'L') continue;
          EXPECT_THAT(document, HasSubstr(word)) << source;
        }
      }
    }
  }
}

TEST(Bundle, SaysAllThatExplainNeeds) {
  const Trace trace = TwoReplaces(true);
  for (const Finding& finding : Searched(trace, {"mainstream"}).findings) {
    const Subject subject{finding.path(), {{0, finding.path()}}, false};
    const auto bundle = DecodeBundle(EncodeBundle(HeaderOf(trace, finding, &subject), trace));
    ASSERT_TRUE(bundle) << bundle.error().message;
    const auto again = FindingOf(*bundle);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->oracle, finding.oracle);
    EXPECT_EQ(again->outcomes, finding.outcomes);
    EXPECT_EQ(again->profiles, finding.profiles);
    EXPECT_EQ(testing::RepairTexts(*again), testing::RepairTexts(finding));
    EXPECT_EQ(again->message, finding.message);
    EXPECT_EQ(again->shown.on_disk, finding.shown.on_disk);
    ASSERT_EQ(again->shown.lost.size(), finding.shown.lost.size());
    for (size_t i = 0; i < finding.shown.lost.size(); ++i)
      EXPECT_EQ(again->shown.lost[i].op, finding.shown.lost[i].op);
    EXPECT_EQ(again->subjects.size(), finding.subjects.size());
    EXPECT_EQ(FindingId(*again), FindingId(finding));
  }
}

TEST(LiveToken, IsReadBackAndEveryBrokenOneIsRefused) {
  const Trace trace = Replace().Exit().Build();
  const std::string id = trace.Identity().Short();
  for (uint32_t point = 0; point <= trace.ops.size(); ++point) {
    const auto realised = Realise(trace, Case{Moment{point}, id});
    ASSERT_TRUE(realised) << point;
    EXPECT_EQ(realised->tree.Lookup("t").has_value(), point == 1 || point == 2);
  }
  for (const std::string& bad :
       std::vector<std::string>{"live/", "live/1", "live//" + id, "live/x/" + id, "live/1x/" + id,
                                "live/-1/" + id, "live/5/" + id, "live/1/00000000"}) {
    const auto realised = testing::RealiseToken(trace, bad);
    ASSERT_FALSE(realised) << bad;
    EXPECT_EQ(realised.error().exit_code, ExitCode::kUsage) << bad;
  }
}

TEST(Durable, TheMessageSaysWhichOfSeveralVersionsIsFound) {
  TraceBuilder builder;
  builder.OldFile("f", kOld);
  for (const char* content : {"two", "three"})
    builder.Create("t").Write("t", 0, content).Fsync("t").Rename("t", "f");
  const auto findings = Searched(builder.Exit().Build(), {"xfs"}).findings;
  ASSERT_THAT(findings, SizeIs(1));
  EXPECT_THAT(findings[0].message, HasSubstr("f can still be version 2 of 3 after"));
}

TEST(Ack, ADescriptorOfItsOwnCountsInsteadOfStandardOutput) {
  Trace trace = Replace().Output("saved\n").Output("saved\n").Exit().Build();
  trace.ops[3].name = "fd 7";
  const auto acks_of = [&](const AckRule& rule) {
    std::vector<uint32_t> points;
    for (const Ack& ack : FindAcks(trace, rule)) points.push_back(ack.point);
    return points;
  };
  EXPECT_THAT(acks_of(ParseAck("saved", true, 7).value()), ElementsAre(4, 6));
  EXPECT_THAT(acks_of(ParseAck("saved", true, -1).value()), ElementsAre(5, 6));
  EXPECT_THAT(acks_of(ParseAck("exit", false, 7).value()), ElementsAre(4, 6)) << "every line";
  EXPECT_THAT(acks_of(ParseAck("other", true, 7).value()), ElementsAre(6));
  EXPECT_FALSE(ParseAck("none", true, 7));
}

}  // namespace
}  // namespace oldornew
