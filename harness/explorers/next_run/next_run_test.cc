// The command run again from what kills and faults left, with processes that are really run.
#include "explorers/next_run/next_run.h"

#include "explorers/explorer_test_support.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using testing::Asks;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Text;

class NextRunTest : public testing::ExplorerTest {
 protected:
  // Records `text` (shell) after `setup` and runs it, or `recover`, again from every state.
  void Run(const std::string& setup, const std::string& text, const std::string& recover = "") {
    Record(setup, {"sh", "-ec", text});
    if (HasFatalFailure()) return;
    for (auto& [axis, what] : before_) Before(axis, what);
    options_.recover.clear();
    if (!recover.empty()) options_.recover = {"sh", "-ec", recover};
    Explore(MakeNextRunExplorer(options_));
  }

  NextRunOptions options_;
  std::vector<std::pair<std::string, Exploration>> before_;
};

TEST_F(NextRunTest, AFixedTemporaryNameThatMustNotExistIsAWedge) {
  Run("echo old >f", "set -C; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(
      Findings(),
      Contains(AllOf(HasSubstr("error recoverable wedged: after a kill after 1 openat(f.tmp"),
                     HasSubstr("three in a row"))));
  ASSERT_FALSE(result_.runs.empty());
  EXPECT_TRUE(result_.runs[0].trace.old_tree.Lookup("f.tmp"))
      << "the run shown starts from what the kill left";
}

TEST_F(NextRunTest, ATemporaryNameThatIsTakenOverIsNone) {
  Run("echo old >f", "echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.cases, 2u);
}

TEST_F(NextRunTest, WhatTheNextRunMakesOfAHalfWrittenFileIsFound) {
  Run("printf 'a\\nb\\n' >f", "sed s/$/x/ f >g; : >f; cat g >f; rm g");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error recoverable not-done: after a kill after")));
}

TEST_F(NextRunTest, WhatAnotherAxisHasReportedIsNotSaidAgain) {
  before_ = {{"kill", {}}};
  Run("printf 'a\\nb\\n' >f", "sed s/$/x/ f >g; : >f; cat g >f; rm g");
  EXPECT_THAT(Findings(), IsEmpty()) << "kills leave f empty, and are asked about";
}

TEST_F(NextRunTest, AKillWithinALargeWriteIsTriedToo) {
  Run("echo old >f",
      "head -c 20000 /dev/zero | tr '\\0' x | dd of=f bs=20000 iflag=fullblock status=none "
      "conv=notrunc; "
      "test $(head -c 20000 f | tr -d x | wc -c) = 0");
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.cases, 1u);
}

TEST_F(NextRunTest, ARecoveryCommandIsHeldAgainstItself) {
  const std::string recover = "rm -f f.tmp; test ! -e f.bak || mv f.bak f";
  Run("echo old >f", "cp f f.tmp; mv f.tmp f.bak; : >f; echo new >f; rm f.bak", recover);
  EXPECT_THAT(Findings(), IsEmpty());
  Run("echo old >f", "cp f f.bak; : >f; echo new >f; rm f.bak", recover);
  EXPECT_THAT(Findings(), Contains(HasSubstr("error recoverable not-done")))
      << "a backup that is half made is restored";
  Run("echo old >f", "cp f f.bak; : >f; echo new >f; rm f.bak", "test ! -e f.bak");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error recoverable wedged")));
}

TEST_F(NextRunTest, AVersionInBetweenLeadsWhereNobodyHasBeen) {
  const std::string add = "n=$(cat n); echo $((n + 1)) >n.tmp; mv n.tmp n; ";
  Run("echo 0 >n", add + add + add);
  EXPECT_THAT(Findings(), IsEmpty())
      << "from 1 it leads to 4, from the old state to 3, from the new one to 6";
  EXPECT_GE(result_.cases, 4u);
  Run("echo 0 >n", "n=$(cat n); : >n; echo ${n}x >n");
  EXPECT_THAT(Findings(), Contains(HasSubstr("readers of n find neither")))
      << "an empty n is no version";
}

TEST_F(NextRunTest, WhatIsComparedIsWhatTheViewPrints) {
  const std::string text = "echo 1 >>log; n=$(wc -l <log); echo new$n >f.tmp; mv f.tmp f";
  const auto view = [](const char* path) {
    return Asks(
        [path](const FileTree& tree) { return CheckerAnswer{0, Text(tree, path).substr(0, 3)}; });
  };
  Ask(view("f"), {});
  Run("echo old >f", text);
  EXPECT_THAT(Findings(), IsEmpty()) << "its bytes are other ones, the view prints new";
  Ask(view("g"), {});
  Run("echo old >g",
      "if test -e t; then rm t; echo bad >g; else echo x >t; echo new >g.tmp; mv g.tmp g; rm t; "
      "fi");
  EXPECT_THAT(Findings(),
              Contains(HasSubstr("error recoverable unlike-any-version: after a kill after 1 ")));
}

TEST_F(NextRunTest, ACommandThatFailsFromTheNewStateMayFailWhereItLeavesTheSame) {
  Run("echo a >a; echo b >c", "mv c b; mv a c");
  EXPECT_THAT(Findings(),
              Contains(HasSubstr("error recoverable wedged: after a kill after 1 rename")))
      << "the second move is never made";
  Run("echo a >a", "mkdir d; mv a d/a");
  EXPECT_THAT(Findings(),
              Contains(HasSubstr("error recoverable wedged: after a kill after 1 mkdir(d")));
  Run("echo a >a", "mkdir -p d; mv a d/a");
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(NextRunTest, LitterThatGrowsWithEachRunIsAFinding) {
  const std::string rest = "echo x >busy; echo new >f.tmp; mv f.tmp f; rm busy";
  Run("echo old >f",
      "if test -e busy; then mktemp left.XXXXXXXX; touch busy; echo new >f.tmp; mv f.tmp f; else " +
          rest + "; fi");
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("warning clean litter: after a kill after 1 "),
                             HasSubstr("each further run leaves more behind, as left."))));
  Run("echo old >f", "t=$(mktemp f.XXXXXXXX); echo new >$t; mv $t f");
  EXPECT_THAT(Findings(), IsEmpty()) << "the killed run leaves a file, those after it do not";
  Run("echo old >f", "touch log.$(ls | wc -l); " + rest);
  EXPECT_THAT(Findings(), IsEmpty()) << "every run leaves one more, kill or not";
}

TEST_F(NextRunTest, AFailureThatLeavesMoreEachTimeSaysSo) {
  Run("echo old >f", "if test -e t; then mktemp left.XXXXXXXX; exit 1; fi; echo new >t; mv t f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error recoverable wedged"),
                                         HasSubstr("leaves more behind, as left."))));
}

TEST_F(NextRunTest, ProcessNumbersAreNotThoseOfAnEarlierRun) {
  Run("echo old >f", "set -C; echo new >t.$$; mv t.$$ f");
  EXPECT_THAT(Findings(), IsEmpty()) << "the left-over of a killed run has another number";
}

TEST_F(NextRunTest, WhatPilesUpIsSaidOnce) {
  Run("echo old >f",
      "if test -e t; then echo x >left.$$; exit 0; fi; echo new >t; echo new >>t; mv t f");
  EXPECT_EQ(std::count_if(
                result_.findings.begin(), result_.findings.end(),
                [](const Finding& finding) { return finding.shown.outcome == Outcome::kLitter; }),
            1);
}

TEST_F(NextRunTest, AKillDuringTheNextRunIsJudgedAndStartedFrom) {
  Run("echo old >f", "if test -e t; then : >f; echo new >f; rm t; else echo new >t; mv t f; fi");
  EXPECT_THAT(
      Findings(),
      Contains(AllOf(HasSubstr("error atomic empty: after a kill after 1 "),
                     HasSubstr("then in the next run: f can be EMPTY when all is killed after"))));
  Run("echo old >f", "if test -e t; then rm t; fi; echo new >t; mv t f");
  EXPECT_THAT(Findings(), IsEmpty());
  // The first kill leaves t, the second one u, and u stops everything.
  Run("echo old >f",
      "test ! -e u; if test -e t; then echo x >u; rm t; rm u; fi; echo new >t; mv t f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error recoverable wedged"),
                                         HasSubstr(", then after a kill after 1 "))));
}

TEST_F(NextRunTest, FurtherStartsAreTriedAndStatesKnownAlreadyAreNot) {
  FileTree tree;
  Inode inode;
  inode.content = Content::FromBytes("stale");
  tree.at(tree.roots()[0]).entries["stop"] = tree.Add(inode);
  Exploration faults;
  faults.left_behind = {{tree, "after ENOSPC at 1 write(stop)", "fault-1", "faults"},
                        {tree, "the same", "fault-2", ""}};
  before_.emplace_back("faults", std::move(faults));
  options_.after_kill = true;
  Run("", "test ! -e stop; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(),
              Contains(HasSubstr(
                  "error recoverable wedged: after ENOSPC at 1 write(stop): every further run")));
  EXPECT_THAT(Findings(), Not(Contains(HasSubstr("states)"))));
}

// A clock whose unit, a tenth of a second, is longer than a run: several runs agree, and then they
// do not.
TEST_F(NextRunTest, ContentThatCarriesTheTimeIsNoFinding) {
  options_.most_again = 0;
  const std::string clock = "read now rest </proc/uptime; echo ${now%?} >f.tmp; mv f.tmp f; ";
  std::string many;
  for (int i = 0; i < 12; ++i) many += fmt::format("echo x >t{}; ", i);
  Run("echo old >f", many + clock + "rm t*");
  EXPECT_THAT(Findings(), IsEmpty());
  Run("echo old >f", "n=$(cat g) || n=; " + many + "echo ${n}x >g; " + clock + "rm t*");
  EXPECT_THAT(Findings(), Not(Contains(HasSubstr("of f ")))) << "g was asked about first";
}

}  // namespace
}  // namespace oldornew
