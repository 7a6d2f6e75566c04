#include "explorers/next_run/next_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class NextRunTest : public ::testing::Test {
 protected:
  // --view or --check as a function of the tree.
  static Probe Asks(const std::function<ProbeAnswer(const FileTree&)>& answer) {
    return [answer](const FileTree& tree, const ProbeContext&) -> Result<ProbeAnswer> {
      return answer(tree);
    };
  }

  static std::string Text(const FileTree& tree, const char* path) {
    const auto inode = tree.Lookup(path);
    return inode ? tree.at(*inode).content.ToString() : "nothing";
  }

  // Records `text` (shell) after `setup` and runs it, or `recover`, again from every state.
  void Run(const std::string& setup, const std::string& text, const std::string& recover = "") {
    auto dir = TempDir::Create("oldornew-next-");
    ASSERT_TRUE(dir);
    RecordSpec spec;
    spec.sandbox.directory = dir->path();
    spec.run.command = {"sh", "-ec", text};
    spec.run.time_limit = time_limit_;
    spec.setup = {"sh", "-ec", setup};
    spec.sandbox.in_memory = true;
    auto recording = Record(spec);
    if (!recording && recording.error().exit_code == ExitCode::kCannotJudge) {
      spec.sandbox.in_memory = false;
      recording = Record(spec);
    }
    ASSERT_TRUE(recording) << recording.error().message;
    ASSERT_THAT(recording->trace.obstacles, IsEmpty());
    ASSERT_EQ(recording->trace.exit_status, 0) << recording->trace.stderr_bytes;
    spec_.run = spec.run;
    if (!recover.empty()) spec_.recover = {"sh", "-ec", recover};
    auto result = RunAgainFromEveryState(*recording->sandbox, recording->trace, spec_);
    ASSERT_TRUE(result) << result.error().message;
    result_ = std::move(*result);
  }

  std::vector<std::string> Findings() const {
    std::vector<std::string> out;
    for (const Finding& finding : result_.findings)
      out.push_back(fmt::format("{} {}: {}", SeverityName(finding.severity),
                                OutcomeName(finding.shown), finding.message));
    return out;
  }

  NextRunSpec spec_;
  std::chrono::milliseconds time_limit_{60'000};
  NextRunResult result_;
};

TEST_F(NextRunTest, AFixedTemporaryNameThatMustNotExistIsAWedge) {
  Run("echo old >f", "set -C; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("error wedged: after a kill behind 1 openat(f.tmp"),
                             HasSubstr("three in a row"))));
  ASSERT_FALSE(result_.runs.empty());
  EXPECT_TRUE(result_.runs[0].trace.old_tree.Lookup("f.tmp"))
      << "the run shown starts from what the kill left";
}

TEST_F(NextRunTest, ATemporaryNameThatIsTakenOverIsNone) {
  Run("echo old >f", "echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.states, 2u);
}

TEST_F(NextRunTest, AFirstRunThatFailsAndTidiesUpIsAWarning) {
  Run("echo old >f",
      "if test -e f.tmp; then rm f.tmp; echo stale >&2; exit 1; fi; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("warning fails"), HasSubstr("a later one succeeds"))));
}

TEST_F(NextRunTest, WhatTheNextRunMakesOfAHalfWrittenFileIsFound) {
  Run("printf 'a\\nb\\n' >f", "sed s/$/x/ f >g; : >f; cat g >f; rm g");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error not-done: after a kill behind")));
}

TEST_F(NextRunTest, WhatAnotherAxisHasReportedIsNotSaidAgain) {
  spec_.search.kill = true;
  Run("printf 'a\\nb\\n' >f", "sed s/$/x/ f >g; : >f; cat g >f; rm g");
  EXPECT_THAT(Findings(), IsEmpty()) << "kills leave f empty, and are asked about";
}

TEST_F(NextRunTest, AKillWithinALargeWriteIsTriedToo) {
  Run("echo old >f",
      "head -c 20000 /dev/zero | tr '\\0' x | dd of=f bs=20000 iflag=fullblock status=none "
      "conv=notrunc; "
      "test $(head -c 20000 f | tr -d x | wc -c) = 0");
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_GE(result_.states, 1u);
}

TEST_F(NextRunTest, ARecoveryCommandIsHeldAgainstItself) {
  const std::string recover = "rm -f f.tmp; test ! -e f.bak || mv f.bak f";
  Run("echo old >f", "cp f f.tmp; mv f.tmp f.bak; : >f; echo new >f; rm f.bak", recover);
  EXPECT_THAT(Findings(), IsEmpty());
  Run("echo old >f", "cp f f.bak; : >f; echo new >f; rm f.bak", recover);
  EXPECT_THAT(Findings(), Contains(HasSubstr("error not-done")))
      << "a backup that is half made is restored";
  Run("echo old >f", "cp f f.bak; : >f; echo new >f; rm f.bak", "test ! -e f.bak");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error wedged")));
}

TEST_F(NextRunTest, AVersionInBetweenLeadsWhereNobodyHasBeen) {
  const std::string add = "n=$(cat n); echo $((n + 1)) >n.tmp; mv n.tmp n; ";
  Run("echo 0 >n", add + add + add);
  EXPECT_THAT(Findings(), IsEmpty())
      << "from 1 it leads to 4, from the old state to 3, from the new one to 6";
  EXPECT_GE(result_.states, 4u);
  Run("echo 0 >n", "n=$(cat n); : >n; echo ${n}x >n");
  EXPECT_THAT(Findings(), Contains(HasSubstr("readers of n find neither")))
      << "an empty n is no version";
}

TEST_F(NextRunTest, WhatIsComparedIsWhatTheViewPrints) {
  const std::string text = "echo 1 >>log; n=$(wc -l <log); echo new$n >f.tmp; mv f.tmp f";
  const auto view = [](const char* path) {
    return Asks(
        [path](const FileTree& tree) { return ProbeAnswer{0, Text(tree, path).substr(0, 3)}; });
  };
  spec_.search.probes = {{view("f"), {}}};
  Run("echo old >f", text);
  EXPECT_THAT(Findings(), IsEmpty()) << "its bytes are other ones, the view prints new";
  spec_.search.probes = {{view("g"), {}}};
  Run("echo old >g",
      "if test -e t; then rm t; echo bad >g; else echo x >t; echo new >g.tmp; mv g.tmp g; rm t; "
      "fi");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error unlike-any-version: after a kill behind 1 ")));
}

TEST_F(NextRunTest, TheCheckCommandMustBeContentWithWhatTheNextRunLeaves) {
  spec_.search.probes = {{{}, Asks([](const FileTree& tree) {
                            return ProbeAnswer{Text(tree, "f") == "bad\n" ? 1 : 0, ""};
                          })}};
  const std::string good = "test ! -e t || rm t; echo x >t; echo new >f.tmp; mv f.tmp f; rm t";
  Run("echo old >f", good);
  EXPECT_THAT(Findings(), IsEmpty());
  Run("echo old >f", "if test -e t; then rm t; echo bad >f; else " + good + "; fi");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error rejected-by-check: after a kill behind 1 ")));
}

TEST_F(NextRunTest, ACommandThatFailsFromTheNewStateMayFailWhereItLeavesTheSame) {
  Run("echo a >a; echo b >c", "mv c b; mv a c");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error wedged: after a kill behind 1 rename")))
      << "the second move is never made";
  Run("echo a >a", "mkdir d; mv a d/a");
  EXPECT_THAT(Findings(), Contains(HasSubstr("error wedged: after a kill behind 1 mkdir(d")));
  Run("echo a >a", "mkdir -p d; mv a d/a");
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(NextRunTest, LitterThatGrowsWithEachRunIsAFinding) {
  const std::string rest = "echo x >busy; echo new >f.tmp; mv f.tmp f; rm busy";
  Run("echo old >f",
      "if test -e busy; then mktemp left.XXXXXXXX; touch busy; echo new >f.tmp; mv f.tmp f; else " +
          rest + "; fi");
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("warning litter: after a kill behind 1 "),
                             HasSubstr("each further run leaves more behind, as left."))));
  Run("echo old >f", "t=$(mktemp f.XXXXXXXX); echo new >$t; mv $t f");
  EXPECT_THAT(Findings(), IsEmpty()) << "the killed run leaves a file, those after it do not";
  Run("echo old >f", "touch log.$(ls | wc -l); " + rest);
  EXPECT_THAT(Findings(), IsEmpty()) << "every run leaves one more, kill or not";
}

TEST_F(NextRunTest, AFailureThatLeavesMoreEachTimeSaysSo) {
  Run("echo old >f", "if test -e t; then mktemp left.XXXXXXXX; exit 1; fi; echo new >t; mv t f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error wedged"),
                                         HasSubstr("leaves more behind, as left."))));
}

TEST_F(NextRunTest, ProcessNumbersAreNotThoseOfAnEarlierRun) {
  Run("echo old >f", "set -C; echo new >t.$$; mv t.$$ f");
  EXPECT_THAT(Findings(), IsEmpty()) << "the left-over of a killed run has another number";
}

TEST_F(NextRunTest, WhatPilesUpIsSaidOnce) {
  Run("echo old >f",
      "if test -e t; then echo x >left.$$; exit 0; fi; echo new >t; echo new >>t; mv t f");
  EXPECT_EQ(std::count_if(result_.findings.begin(), result_.findings.end(),
                          [](const Finding& finding) { return finding.shown == Outcome::kLitter; }),
            1);
}

TEST_F(NextRunTest, AKillDuringTheNextRunIsJudgedAndStartedFrom) {
  Run("echo old >f", "if test -e t; then : >f; echo new >f; rm t; else echo new >t; mv t f; fi");
  EXPECT_THAT(
      Findings(),
      Contains(AllOf(HasSubstr("error empty: after a kill behind 1 "),
                     HasSubstr("then in the next run: f can be EMPTY after a kill behind"))));
  EXPECT_GT(result_.again, 0u);
  Run("echo old >f", "if test -e t; then rm t; fi; echo new >t; mv t f");
  EXPECT_THAT(Findings(), IsEmpty());
  // The first kill leaves t, the second one u, and u stops everything.
  Run("echo old >f",
      "test ! -e u; if test -e t; then echo x >u; rm t; rm u; fi; echo new >t; mv t f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error wedged"),
                                         HasSubstr(", then after a kill behind 1 "))));
}

TEST_F(NextRunTest, ANextRunThatDoesNotEndIsAWedge) {
  time_limit_ = std::chrono::milliseconds(1000);
  Run("echo old >f", "while test -e t; do sleep 0.1; done; echo new >t; mv t f");
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error wedged"), HasSubstr("HANGS"))));
}

TEST_F(NextRunTest, FurtherStartsAreTriedAndStatesKnownAlreadyAreNot) {
  FileTree tree;
  Inode inode;
  inode.content = Content::FromBytes("stale");
  tree.at(tree.roots()[0]).entries["stop"] = tree.Add(inode);
  spec_.starts = {{tree, "after ENOSPC at 1 write(stop)", "fault-1", Axis::kFaults},
                  {tree, "the same", "fault-2"}};
  Run("", "test ! -e stop; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(
      Findings(),
      Contains(HasSubstr("error wedged: after ENOSPC at 1 write(stop): every further run")));
  EXPECT_THAT(Findings(), Not(Contains(HasSubstr("states)"))));
}

// A clock whose unit, a tenth of a second, is longer than a run: several runs agree, and then they
// do not.
TEST_F(NextRunTest, ContentThatCarriesTheTimeIsNoFinding) {
  spec_.most_again = 0;
  const std::string clock = "read now rest </proc/uptime; echo ${now%?} >f.tmp; mv f.tmp f; ";
  std::string many;
  for (int i = 0; i < 12; ++i) many += fmt::format("echo x >t{}; ", i);
  Run("echo old >f", many + clock + "rm t*");
  EXPECT_THAT(Findings(), IsEmpty());
  Run("echo old >f", "n=$(cat g) || n=; " + many + "echo ${n}x >g; " + clock + "rm t*");
  EXPECT_THAT(Findings(), Not(Contains(HasSubstr("of f ")))) << "g was asked about first";
}

TEST_F(NextRunTest, ABoundIsSaid) {
  spec_.most_states = 1;
  Run("echo old >f", "echo a >x; echo b >y; echo c >z");
  EXPECT_FALSE(result_.exhaustive);
  EXPECT_EQ(result_.states, 1u);
}

TEST_F(NextRunTest, WhatPowerCutsLeaveIsAStartAsWell) {
  spec_.after_kill = false;
  spec_.after_power_cut = true;
  spec_.search.profiles = SelectProfiles({"xfs"}).value();
  Run("echo old >f", "test -s f; echo new >f.tmp; mv f.tmp f");
  EXPECT_THAT(Findings(),
              Contains(AllOf(HasSubstr("error wedged"), HasSubstr("power cut under xfs"))))
      << "an empty f stops this command for ever";
}

}  // namespace
}  // namespace oldornew
