#include "oracle/versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/testing/trace_builder.h"
#include "oracle/state_rules.h"

namespace oldornew {
namespace {

Subject At(const std::string& path) { return {path, {{0, path}}, true}; }

// What the page cache shows after the first `ops` calls, judged as if it were a crash state.
std::optional<Outcome> AtomicOutcomeAfter(const Trace& trace, const std::string& path, size_t ops) {
  const VersionHistory history = TraceVersions(trace, At(path), {});
  LiveTree live(trace);
  for (size_t i = 0; i < ops; ++i) live.Apply(trace.ops[i]);
  const auto violation =
      JudgeState(trace, At(path), history, live.tree(), static_cast<uint32_t>(trace.ops.size()));
  if (!violation || violation->oracle != Oracle::kAtomic) return std::nullopt;
  return violation->outcome;
}

// sed -i.bak, mv -b, dbm.dumb: between the two renames the name leads to nothing.
TEST(Versions, ANameThatARenameTookAwayIsMissingAndNoVersion) {
  const Trace trace = TraceBuilder()
                          .OldFile("f", "old")
                          .OldFile("t", "new")
                          .Rename("f", "f~")
                          .Rename("t", "f")
                          .Exit()
                          .Build();
  EXPECT_EQ(AtomicOutcomeAfter(trace, "f", 0), std::nullopt);
  EXPECT_EQ(AtomicOutcomeAfter(trace, "f", 1), Outcome::kMissing);
  EXPECT_EQ(AtomicOutcomeAfter(trace, "f", 2), std::nullopt);
  for (size_t ops = 0; ops <= 2; ++ops)
    EXPECT_EQ(AtomicOutcomeAfter(trace, "f~", ops), std::nullopt);
}

TEST(Versions, MissingIsNewWhenTheFileWasMovedAwayForGood) {
  const Trace trace = TraceBuilder().OldFile("a", "old").Rename("a", "b").Exit().Build();
  for (const char* path : {"a", "b"}) {
    for (size_t ops = 0; ops <= 1; ++ops)
      EXPECT_EQ(AtomicOutcomeAfter(trace, path, ops), std::nullopt) << path << ops;
  }
}

TEST(Versions, ADirectoryThatIsSwappedByTwoRenamesIsMissingBetween) {
  const Trace trace = TraceBuilder()
                          .OldDir("d")
                          .OldFile("d/a", "1")
                          .OldDir("n")
                          .OldFile("n/a", "2")
                          .Rename("d", "o")
                          .Rename("n", "d")
                          .Exit()
                          .Build();
  EXPECT_EQ(AtomicOutcomeAfter(trace, "d", 1), Outcome::kMissing);
  EXPECT_EQ(AtomicOutcomeAfter(trace, "d/a", 1), Outcome::kMissing);
  EXPECT_EQ(AtomicOutcomeAfter(trace, "d", 2), std::nullopt);
}

// What was published whole stays a version when it is replaced or taken away, not when it is
// written to.
TEST(Versions, APublishedContentCountsUnlessItIsWrittenUnderItsName) {
  const auto start = [] {
    return TraceBuilder().OldFile("f", "1").OldFile("t", "2").OldFile("u", "3").Rename("t", "f");
  };
  EXPECT_EQ(AtomicOutcomeAfter(start().Rename("u", "f").Exit().Build(), "f", 1), std::nullopt);
  EXPECT_EQ(AtomicOutcomeAfter(start().Rename("f", "g").Rename("u", "f").Exit().Build(), "f", 1),
            std::nullopt);
  EXPECT_EQ(AtomicOutcomeAfter(start().Unlink("f").Rename("u", "f").Exit().Build(), "f", 1),
            std::nullopt);
  EXPECT_NE(AtomicOutcomeAfter(start().Write("f", 0, "4").Exit().Build(), "f", 1), std::nullopt);
}

std::vector<std::string> DefaultSubjectNames(const Trace& trace) {
  std::vector<std::string> names;
  const auto subjects = ChooseSubjects(trace, {});
  for (const Subject& subject : *subjects) names.push_back(subject.name);
  return names;
}

// cp -a of a directory with a link in it: both names are read.
TEST(Watch, AFileIsJudgedByItsOwnNameThoughANewLinkBesideItLeadsThere) {
  const Trace trace = TraceBuilder()
                          .Mkdir("e")
                          .Create("e/a")
                          .Write("e/a", 0, "x")
                          .Symlink("e/l", "a")
                          .Exit()
                          .Build();
  EXPECT_THAT(DefaultSubjectNames(trace), ::testing::ElementsAre("e/a", "e/l"));
  const Trace flat = TraceBuilder().Create("a").Write("a", 0, "x").Symlink("l", "a").Exit().Build();
  EXPECT_THAT(DefaultSubjectNames(flat), ::testing::ElementsAre("a", "l"));
}

TEST(Watch, WhatAFlippedLinkPublishesIsJudgedThroughIt) {
  const auto start = [](bool first) {
    TraceBuilder builder;
    if (!first) builder.OldDir("v1").OldFile("v1/a", "1").OldSymlink("cur", "v1");
    return builder.Mkdir("v2")
        .Create("v2/a")
        .Write("v2/a", 0, "2")
        .Fsync("v2/a")
        .Symlink("t", "v2")
        .Rename("t", "cur");
  };
  for (const bool first : {false, true})
    EXPECT_THAT(DefaultSubjectNames(start(first).Exit().Build()), ::testing::ElementsAre("cur"))
        << first;
}

Outcome OutcomeOf(const std::string& bytes, const std::string& before, const std::string& after) {
  const Trace trace =
      TraceBuilder().OldFile("f", before).OldFile("t", after).Rename("t", "f").Exit().Build();
  const Trace other = TraceBuilder().OldFile("f", bytes).Build();
  const VersionHistory history = TraceVersions(trace, At("f"), {});
  return Classify(trace, other.old_tree, At("f"), history).outcome;
}

TEST(Outcomes, ASectorOfTwoVersionsOrOfVersionsAndZerosIsTorn) {
  const std::string before(300, 'o');
  const std::string after(300, 'n');
  for (size_t cut = 1; cut < 300; ++cut) {
    EXPECT_EQ(OutcomeOf(after.substr(0, cut) + before.substr(cut), before, after), Outcome::kTorn)
        << cut;
    EXPECT_EQ(OutcomeOf(std::string(cut, '\0') + after.substr(cut), before, after), Outcome::kTorn)
        << cut;
    EXPECT_EQ(OutcomeOf(after.substr(0, cut) + std::string(300 - cut, '\0'), before, after),
              Outcome::kTorn)
        << cut;
  }
}

TEST(Outcomes, AFileOfOneStaleByteHoldsGarbage) {
  EXPECT_EQ(OutcomeOf("\xf7", "abc", "d"), Outcome::kGarbage);
  EXPECT_EQ(OutcomeOf("x", "abc", "d"), Outcome::kForeign);
}

TEST(Outcomes, BytesThatNoVersionHasThereAreForeign) {
  EXPECT_EQ(OutcomeOf("xyz", "abc", "def"), Outcome::kForeign);
  EXPECT_EQ(OutcomeOf("abx", "abc", "def"), Outcome::kForeign);
  EXPECT_EQ(OutcomeOf("abcx", "abc", "def"), Outcome::kForeign);
  EXPECT_EQ(OutcomeOf(std::string(3, '\0'), "abc", "def"), Outcome::kZeros);
  EXPECT_EQ(OutcomeOf("ab", "abc", "def"), Outcome::kTruncated);
}

}  // namespace
}  // namespace oldornew
