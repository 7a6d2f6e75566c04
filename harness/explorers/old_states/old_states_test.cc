// The published algorithms and their hardened successors, met by other old states. W and D rows:
// docs/atomic-updates.md.
#include "explorers/old_states/old_states.h"

#include "explorers/explorer_test_support.h"
#include "explorers/old_states/variant.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(ReplacePath, ReplacesWordsAndLeavesPartsOfOtherPathsAlone) {
  const auto replaced = [](std::string word) {
    const int count = ReplacePath("f", "LONG", &word);
    return fmt::format("{} {}", count, word);
  };
  EXPECT_EQ(replaced("f"), "1 LONG");
  EXPECT_EQ(replaced("cat f >f"), "2 cat LONG >LONG");
  EXPECT_EQ(replaced("--out=f"), "1 --out=LONG");
  EXPECT_EQ(replaced("s/f/g/"), "0 s/f/g/");
  EXPECT_EQ(replaced("if d/f f.x xf"), "0 if d/f f.x xf");
}

class OldStatesTest : public testing::ExplorerTest {
 protected:
  // Records the command after `setup`, explores it and varies its old state.
  void Vary(const std::string& setup, const std::vector<std::string>& command) {
    Record(setup, command);
    if (HasFatalFailure()) return;
    ExplorePowerBefore();
    Explore(MakeOldStatesExplorer());
  }

  // "ORACLE OUTCOME SCENE", with "error" or "warning" in front.
  std::vector<std::string> Findings() const {
    std::vector<std::string> out;
    for (const Finding& finding : result_.findings) {
      for (const auto& [outcome, profiles] : finding.outcomes) {
        out.push_back(fmt::format("{} {} {} {}", SeverityName(finding.severity),
                                  OracleName(finding.oracle), OutcomeName(outcome), finding.scene));
      }
    }
    return out;
  }

  void ExpectRefused(const std::string& id) const {
    const FurtherRun* run = RunOf(id);
    ASSERT_NE(run, nullptr) << id;
    EXPECT_EQ(run->end, FurtherRun::End::kFails) << id;
  }

  void WriteFileAtomic(const std::string& setup) {
    Vary("echo old >f; " + setup,
         {"sh", "-c", "echo new | " + Target("write-file-atomic") + " . f 0644"});
  }
};

TEST_F(OldStatesTest, FindsRowsW5ToW7OfTheFileWriter) {
  WriteFileAtomic("");
  const auto findings = Findings();
  EXPECT_THAT(findings, Contains("warning recoverable wedged with a directory at .tmp-f")) << "W5";
  EXPECT_THAT(findings, Contains("error contained changed-outside with a symlink at .tmp-f that "
                                 "leads to a file of another"))
      << "W5";
  EXPECT_THAT(findings,
              Contains("warning attrs mode-changed with another's file at .tmp-f, mode 0600"))
      << "W5b";
  EXPECT_THAT(findings, Contains("warning recoverable fails with f under a name of 255 bytes"))
      << "W6";
  ExpectRefused("below:f");  // W6: name "sub/f"
  EXPECT_THAT(findings, Contains("warning attrs link-replaced with f a symlink to f.oldornew-real"))
      << "W7";
  ExpectRefused("read-only:f");
  const FurtherRun* killed = RunOf("stale:.tmp-f");
  ASSERT_NE(killed, nullptr);
  EXPECT_EQ(killed->end, FurtherRun::End::kAsPlain) << "O_TRUNC takes its own left-over file";
}

TEST_F(OldStatesTest, FindsRowsD1ToD11OfTheDirectorySwap) {
  Vary("mkdir r1; echo old >r1/k; ln -s r1 s", {Target("atomicdir-fill"), "./s", "k=new"});
  const auto findings = Findings();
  EXPECT_THAT(findings,
              Contains("error contained in-temporary with the bare name of s, in its directory"))
      << "D1";
  EXPECT_THAT(findings, Contains("error honest not-done with s in a directory below")) << "D2";
  EXPECT_THAT(findings,
              Contains("error recoverable wedged with s.tmp left over from a run that was killed"))
      << "D3";
  ExpectRefused("slash:s");  // D6
  EXPECT_THAT(findings, Contains(StartsWith("warning attrs mode-changed with umask"))) << "D10";
  EXPECT_THAT(
      findings,
      Contains(
          "error contained changed-outside with s leading to oldornew-precious, which others use"))
      << "D11";
}

TEST_F(OldStatesTest, APlainRunThatPublishesADanglingLinkIsFound) {
  Vary("mkdir sub; " + Target("atomicdir-fill") + " sub/s k=old",
       {Target("atomicdir-fill"), "sub/s", "k=new"});
  EXPECT_THAT(Findings(), Contains("error honest not-done ")) << "D2, in the plain run";
}

TEST_F(OldStatesTest, TheHardenedWriterIsCleanWhateverItFinds) {
  Vary("echo old >f", {"sh", "-c", "echo new | " + Target("hardened-write-file") + " . f 0644"});
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.runs.size(), 8u);
  ExpectRefused("symlink:f");
  ExpectRefused("read-only:f");
}

TEST_F(OldStatesTest, TheHardenedSwapIsCleanWhateverItFinds) {
  const std::string swap = Target("hardened-swap-directory");
  Vary(swap + " . s k=old", {swap, ".", "s", "k=new"});
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.runs.size(), 4u);
}

TEST_F(OldStatesTest, WhatARunLeavesBehindAfterAnErrorIsLitter) {
  // Fails at the end where the name is long, after it has made its temporary file.
  Vary("echo old >f; echo new >given",
       {"sh", "-c", "cp given temporary && mv temporary f && cp f f.copy"});
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("clean litter"), HasSubstr("255 bytes"))).Times(0))
      << "the copy that a plain run makes as well is no litter";
  Vary("echo old >f; echo new >given",
       {"sh", "-c",
        "cp given t; for i in f; do cat t >$i.new && mv $i.new $i && rm t || exit 1; done"});
  EXPECT_THAT(Findings(), Contains("warning clean litter with f under a name of 255 bytes"));
}

TEST_F(OldStatesTest, AFailureThatChangedTheTargetIsAnError) {
  Vary("echo old >f; mkdir d",
       {"sh", "-c", "test ! -h f || { echo broken >f; exit 1; }; echo new >f"});
  EXPECT_THAT(Findings(),
              Contains("error honest changed-though-failed with f a symlink to f.oldornew-real"));
}

}  // namespace
}  // namespace oldornew
