#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "check/verdict.h"
#include "gate/baseline.h"
#include "gate/scenario.h"

namespace oldornew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Finding MakeFinding(Oracle oracle, const std::string& path, const Outcomes& outcomes) {
  Finding finding;
  finding.oracle = oracle;
  finding.outcomes = outcomes;
  for (const auto& [outcome, profiles] : outcomes)
    finding.profiles.insert(finding.profiles.end(), profiles.begin(), profiles.end());
  finding.subjects = {{path, path, outcomes, "", path}};
  return finding;
}

Scenario Read(const std::string& text, TomlProblems* problems) {
  const auto table = ParseToml(text, "s.toml");
  EXPECT_TRUE(table);
  return ReadScenario(*table, "dir/s.toml", AxisTable::BuiltIn(), problems);
}

Expectation ReadExpect(const std::string& text) {
  TomlProblems problems;
  const Scenario scenario = Read("run = 'true'\n" + text, &problems);
  EXPECT_TRUE(problems.empty()) << problems.ToStatus().error().message;
  return scenario.expect;
}

CheckAnswer Answer(const std::vector<Finding>& findings) {
  return {findings.empty() ? Verdict::kClean : Verdict::kFindings, {}, findings, {"ext4", "xfs"}};
}

const Finding kZeros = MakeFinding(Oracle::kAtomic, "f", {{Outcome::kZeros, {"ext4"}}});

TEST(Scenario, HasOldFilesOptionsAndExpectations) {
  TomlProblems problems;
  const Scenario scenario = Read(
      "why = 'w'\nneeds = ['sed', 'sh']\nrun = ['sed', 'x']\nsetup = 's'\n"
      "[old]\nf = 'text'\n'd/x' = { text = 'y', mode = '0600' }\nl = { link = 'f' }\ne = { "
      "directory = true "
      "}\n"
      "[options]\nprofile = ['xfs', 'ext4']\nstrict = true\naccept-bounded = false\nmax-states = "
      "7\n",
      &problems);
  ASSERT_TRUE(problems.empty()) << problems.ToStatus().error().message;
  EXPECT_EQ(scenario.name, "s");
  EXPECT_THAT(scenario.run, ElementsAre("sed", "x"));
  const FileTree& old = scenario.old;
  EXPECT_EQ(old.at(*old.Lookup("f")).content.Read(0, 10), "text");
  EXPECT_EQ(old.at(*old.Lookup("d/x")).mode, 0600u);
  EXPECT_EQ(old.at(*old.Lookup("d")).kind, FileKind::kDirectory);
  EXPECT_EQ(old.at(*old.Lookup("l")).target, "f");
  EXPECT_EQ(old.at(*old.Lookup("e")).kind, FileKind::kDirectory);
  ASSERT_EQ(scenario.options.size(), 3u) << "false is left out";
  EXPECT_THAT(scenario.options[0].values, ElementsAre("xfs", "ext4"));
  EXPECT_THAT(scenario.options[1].values, IsEmpty());
  EXPECT_THAT(scenario.options[2].values, ElementsAre("7"));
  EXPECT_EQ(scenario.expect.verdict, Verdict::kClean) << "what says nothing must be clean";
}

TEST(Scenario, ATextToRunIsForTheShell) {
  TomlProblems problems;
  EXPECT_THAT(Read("run = 'a | b'", &problems).run, ElementsAre("sh", "-c", "a | b"));
}

TEST(Scenario, EveryMistakeIsNamedWithItsLineAllAtOnce) {
  TomlProblems problems;
  Read(
      "nmae = 'x'\n"
      "[old]\n"
      "'../f' = 'x'\n"
      "g = { text = 'x', link = 'y' }\n"
      "h = { text = '', mode = '0999' }\n"
      "'h/i' = 'below a file'\n"
      "[expect]\n"
      "verdict = 'fine'\n"
      "colour = 'red'\n"
      "[expect.ext9]\n"
      "[expect.xfs]\n"
      "f = ['atomic:zeroes', 'atomc:zeros']\n"
      "[expect.'xfs btrfs']\n"
      "[expect.mainstream]\n",
      &problems);
  const Status status = problems.ToStatus();
  ASSERT_FALSE(status);
  const std::string& text = status.error().message;
  for (const char* start :
       {"dir/s.toml:1: unknown key \"nmae\"", "dir/s.toml:1: a scenario needs run",
        "dir/s.toml:3: \"../f\" must be", "dir/s.toml:4: \"g\" needs one of",
        "dir/s.toml:5: mode \"0999\"", "dir/s.toml:6: \"h/i\" stands twice",
        "dir/s.toml:8: unknown verdict \"fine\"", "dir/s.toml:9: unknown key \"colour\"",
        "dir/s.toml:10: ", "dir/s.toml:12: \"atomic:zeroes\" is not",
        "dir/s.toml:12: \"atomc:zeros\" is not", "dir/s.toml:13: profile xfs stands twice",
        "dir/s.toml:14: \"mainstream\" names a set"}) {
    EXPECT_THAT(text, HasSubstr(start));
  }
}

TEST(Scenario, FoldersAreLoadedInOrderAndNamesAreUnique) {
  const auto dir = TempDir::Create("oldornew-gate-");
  ASSERT_TRUE(dir);
  ASSERT_FALSE(LoadScenarios({dir->path()}, AxisTable::BuiltIn()))
      << "an empty folder checks nothing";
  ASSERT_TRUE(WriteFile(dir->path() + "/b.toml", "run = 'true'\n"));
  ASSERT_TRUE(WriteFile(dir->path() + "/a.toml", "run = 'true'\n"));
  ASSERT_TRUE(WriteFile(dir->path() + "/notes.txt", "no scenario"));
  const auto both = LoadScenarios({dir->path()}, AxisTable::BuiltIn());
  ASSERT_TRUE(both) << both.error().message;
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ((*both)[0].name, "a");
  ASSERT_TRUE(WriteFile(dir->path() + "/c.toml", "run = 'true'\nname = 'a'\n"));
  ASSERT_TRUE(WriteFile(dir->path() + "/d.toml", "run = \n"));
  const auto bad = LoadScenarios({dir->path()}, AxisTable::BuiltIn());
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("c.toml:1: the name \"a\" is also that of"));
  EXPECT_THAT(bad.error().message, HasSubstr("d.toml:1: "))
      << "all files are read before any complaint";
  EXPECT_FALSE(LoadScenarios({dir->path() + "/none"}, AxisTable::BuiltIn()));
}

TEST(Expectation, AgreesWithExactlyWhatIsSaid) {
  const Expectation expected = ReadExpect(
      "[expect]\nverdict = 'findings'\n[expect.ext4]\nf = 'atomic:zeros'\n[expect.xfs]\n");
  EXPECT_THAT(Differences(expected, Answer({kZeros})), IsEmpty());
}

TEST(Expectation, NoticesWhatIsMissedAndWhatIsNotExpected) {
  const Expectation expected = ReadExpect("[expect.ext4]\nf = 'atomic:zeros'\n[expect.xfs]\n");
  EXPECT_THAT(Differences(expected, Answer({})), ElementsAre("ext4: missed f: atomic:zeros"));
  const Finding more = MakeFinding(
      Oracle::kAtomic, "f", {{Outcome::kZeros, {"ext4"}}, {Outcome::kEmpty, {"ext4", "xfs"}}});
  EXPECT_THAT(
      Differences(expected, Answer({more})),
      ElementsAre("ext4: not expected f: atomic:empty", "xfs: not expected f: atomic:empty"));
  const Finding elsewhere = MakeFinding(Oracle::kDurable, "g", {{Outcome::kOldAfterAck, {"xfs"}}});
  EXPECT_THAT(Differences(expected, Answer({kZeros, elsewhere})),
              ElementsAre("xfs: not expected g: durable:old-after-ack"));
}

TEST(Expectation, OptionalOutcomesAndStarsAllowButDoNotAsk) {
  const Expectation expected = ReadExpect("[expect.ext4]\nf = 'atomic:zeros?'\n'l*' = '*'\n");
  EXPECT_THAT(Differences(expected, Answer({})), IsEmpty());
  EXPECT_THAT(Differences(expected, Answer({kZeros})), IsEmpty());
  EXPECT_THAT(
      Differences(expected,
                  Answer({MakeFinding(Oracle::kAtomic, "link", {{Outcome::kDangling, {"ext4"}}})})),
      IsEmpty());
}

TEST(Expectation, AVerdictThatSaysNothingOfFindingsIsADifference) {
  const Expectation expected = ReadExpect("[expect.ext4]\n");
  CheckAnswer answer = Answer({});
  answer.verdict = Verdict::kUnsupported;
  answer.reasons = {"a reason"};
  EXPECT_THAT(Differences(expected, answer), ElementsAre("verdict unsupported: a reason"));
  const Expectation says = ReadExpect("[expect]\nverdict = 'unsupported'\nsays = 'other'\n");
  EXPECT_THAT(Differences(says, answer), ElementsAre("the reasons do not say \"other\": a reason"));
  const Expectation bounded = ReadExpect("[expect]\nverdict = 'clean'\n");
  answer.verdict = Verdict::kBounded;
  EXPECT_THAT(Differences(bounded, answer), ElementsAre("verdict bounded, not clean: a reason"));
}

TEST(Expectation, AProfileThatWasNotExploredIsNoPass) {
  const Expectation expected = ReadExpect("[expect.btrfs]\n");
  EXPECT_THAT(Differences(expected, Answer({})), ElementsAre(HasSubstr("btrfs was not explored")));
}

class BaselineTest : public ::testing::Test {
 protected:
  Result<Baseline> Load(const std::string& text) {
    auto dir = TempDir::Create("oldornew-gate-");
    EXPECT_TRUE(dir);
    EXPECT_TRUE(WriteFile(dir->path() + "/b.toml", text));
    return ReadBaseline(dir->path() + "/b.toml", AxisTable::BuiltIn());
  }
};

constexpr const char* kEntry =
    "[[accepted]]\noracle = 'atomic'\npath = 'f*'\noutcomes = 'zeros'\nprofiles = 'ext4'\n";

TEST_F(BaselineTest, AcceptsWhatItNamesWithTheReason) {
  const auto baseline = Load(std::string(kEntry) + "reason = 'known'\n");
  ASSERT_TRUE(baseline) << baseline.error().message;
  std::vector<Finding> findings = {kZeros};
  EXPECT_THAT(Accept(*baseline, "", &findings), ElementsAre(0));
  EXPECT_EQ(findings[0].accepted, "known");
  EXPECT_FALSE(Fails(findings[0], {}));
}

TEST_F(BaselineTest, AFindingThatGotWorseIsNew) {
  const auto baseline = Load(std::string(kEntry) + "reason = 'known'\n");
  ASSERT_TRUE(baseline);
  for (const auto& outcomes :
       {std::map<Outcome, std::vector<std::string>>{{Outcome::kZeros, {"ext4", "xfs"}}},
        {{Outcome::kZeros, {"ext4"}}, {Outcome::kEmpty, {"ext4"}}}}) {
    std::vector<Finding> findings = {MakeFinding(Oracle::kAtomic, "f", outcomes)};
    Accept(*baseline, "", &findings);
    EXPECT_EQ(findings[0].accepted, "");
    EXPECT_TRUE(Fails(findings[0], {}));
  }
  std::vector<Finding> other = {MakeFinding(Oracle::kDurable, "f", {{Outcome::kZeros, {"ext4"}}}),
                                MakeFinding(Oracle::kAtomic, "g", {{Outcome::kZeros, {"ext4"}}})};
  EXPECT_THAT(Accept(*baseline, "", &other), IsEmpty());
  EXPECT_THAT(StaleEntries(*baseline, {}), ElementsAre(HasSubstr("b.toml:1 accepts atomic of f*")));
}

TEST_F(BaselineTest, AnEntryWithoutAReasonIsAMistake) {
  const auto baseline =
      Load(std::string(kEntry) + "reason = ''\n\n[[accepted]]\noracle = 'x'\nwhen = 'now'\n");
  ASSERT_FALSE(baseline);
  EXPECT_EQ(baseline.error().exit_code, ExitCode::kUsage);
  for (const char* part : {"b.toml:6: an accepted finding needs a reason", "b.toml:9: ",
                           "unknown oracle", "needs a path", "b.toml:10: unknown key \"when\""})
    EXPECT_THAT(baseline.error().message, HasSubstr(part));
}

TEST_F(BaselineTest, WhatIsWrittenAcceptsTheSameFindingsOnceReasonsAreGiven) {
  Finding odd = MakeFinding(Oracle::kDurable, "a \"b\"\\c", {{Outcome::kOldAfterAck, {"xfs"}}});
  std::string text = WriteBaselineText("", {kZeros, odd});
  EXPECT_FALSE(Load(text)) << "reasons are still missing";
  for (size_t at; (at = text.find("reason = \"\"")) != std::string::npos;)
    text.replace(at, 11, "reason = \"r\"");
  const auto baseline = Load(text);
  ASSERT_TRUE(baseline) << baseline.error().message;
  std::vector<Finding> findings = {kZeros, odd};
  EXPECT_THAT(Accept(*baseline, "any", &findings), ElementsAre(0, 1));
  EXPECT_EQ(findings[1].accepted, "r");
}

}  // namespace
}  // namespace oldornew
