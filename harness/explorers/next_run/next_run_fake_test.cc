// What the next-run explorer finds in fake programs: each mistake is found, and its correct twin is
// clean.
#include <fcntl.h>

#include "explorers/explorer_test_support.h"
#include "explorers/next_run/next_run.h"
#include "explorers/replace_file_test_support.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using testing::Asks;
using ::testing::Contains;
using testing::FakeProcess;
using testing::FakeProgram;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Mistakes;
using ::testing::Not;
using testing::ReplaceFile;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing::Text;

class NextRunFakeTest : public testing::FakeExplorerTest {
 protected:
  void Run(FakeProgram program, NextRunOptions options = {}) {
    Record({{"f", "the old content"}}, std::move(program));
    if (HasFatalFailure()) return;
    Explore(MakeNextRunExplorer(std::move(options)));
  }

  void ExpectClean(FakeProgram program, NextRunOptions options = {}) {
    Run(std::move(program), std::move(options));
    EXPECT_THAT(Findings(), IsEmpty());
    EXPECT_TRUE(result_.exhaustive());
    EXPECT_GE(result_.cases, 2u);
  }
};

void Write(FakeProcess& p, const std::string& path, const std::string& bytes) {
  const int fd = p.Open(path, O_WRONLY | O_CREAT | O_TRUNC);
  p.Write(fd, bytes);
  p.Close(fd);
}

TEST_F(NextRunFakeTest, ATemporaryThatMustNotBeThereIsAWedge) {
  Run(ReplaceFile({.takes_no_leftover = true}));
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error recoverable wedged: after a kill after 1 "),
                             HasSubstr("openat(f.tmp"), HasSubstr("three in a row"))));
  ASSERT_THAT(result_.runs, Not(IsEmpty()));
  EXPECT_TRUE(result_.runs[0].trace.old_tree.Lookup("f.tmp"))
      << "the run shown starts from what the kill left";
  ExpectClean(ReplaceFile());
}

TEST_F(NextRunFakeTest, WhatAnotherAxisLeftIsStartedFromAndKillsOnlyIfTheyWereExplored) {
  const testing::FakeProgram program = ReplaceFile({.takes_no_leftover = true});
  const auto run_after = [&](const std::string& axis, std::vector<LeftBehind> left) {
    Record({{"f", "the old content"}}, program);
    Exploration before;
    before.left_behind = std::move(left);
    Before(axis, std::move(before));
    Explore(MakeNextRunExplorer({}));
  };
  const FileTree tree = testing::TreeOf({{"f", "the old content"}, {"f.tmp", ""}});
  run_after("faults", {{tree, "with EIO at 2 write(f.tmp)", "fault:write", "faults"}});
  EXPECT_THAT(Findings(), ::testing::ElementsAre(StartsWith(
                              "error recoverable wedged: with EIO at 2 write(f.tmp): every ")));
  EXPECT_THAT(result_.findings[0].token(), StartsWith("end/fault:write/"));
  EXPECT_EQ(result_.cases, 1u);

  run_after("faults", {});
  EXPECT_THAT(Findings(), IsEmpty()) << "kills are not explored";
  run_after("kill", {});
  EXPECT_THAT(Findings(), Contains(StartsWith("error recoverable wedged: after a kill ")));
}

TEST_F(NextRunFakeTest, AFirstRunThatFailsAndTidiesUpIsAWarning) {
  Run([](FakeProcess& p) {
    if (p.Exists("f.tmp")) {
      p.Unlink("f.tmp");
      p.Say("stale\n");
      return 1;
    }
    return ReplaceFile()(p);
  });
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("warning recoverable fails"),
                                         HasSubstr("a later one succeeds"))));
}

TEST_F(NextRunFakeTest, LitterThatGrowsWithEachRunIsAFinding) {
  const auto busy = [](bool leaves_more) {
    return [=](FakeProcess& p) {
      const bool confused = p.Exists("busy") && leaves_more;
      if (confused) Write(p, "left." + p.Random(), "x");
      Write(p, "busy", "x");
      const int status = ReplaceFile()(p);
      if (!confused) p.Unlink("busy");
      return status;
    };
  };
  Run(busy(true));
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("warning clean litter: after a kill after 1 "),
                             HasSubstr("each further run leaves more behind, as left."))))
      << "busy stays, so that each run finds it";
  ExpectClean(busy(false));
}

TEST_F(NextRunFakeTest, ANextRunThatDoesNotEndIsAWedge) {
  time_limit_ = std::chrono::milliseconds(300);
  Run([](FakeProcess& p) {
    while (p.Exists("f.tmp")) p.Sleep(100);
    return ReplaceFile()(p);
  });
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error recoverable wedged"), HasSubstr("HANGS"))));
}

TEST_F(NextRunFakeTest, AKillDuringTheNextRunIsJudgedAndStartedFrom) {
  const FakeProgram in_place_the_second_time = [](FakeProcess& p) {
    if (!p.Exists("f.tmp")) return ReplaceFile()(p);
    Write(p, "f", "the new content");
    p.Unlink("f.tmp");
    return 0;
  };
  Run(in_place_the_second_time);
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error atomic empty: after a kill after 1 "),
                             HasSubstr("then in the next run: f can be EMPTY when all is killed "
                                       "after"))));
  const uint64_t with_second_kills = result_.cases;
  NextRunOptions options;
  options.most_again = 0;
  Run(in_place_the_second_time, options);
  EXPECT_GT(with_second_kills, result_.cases);

  // The first kill leaves t, the second one u, and u stops everything.
  Run([](FakeProcess& p) {
    if (p.Exists("u")) return 1;
    if (p.Exists("f.tmp")) {
      Write(p, "u", "x");
      p.Unlink("f.tmp");
      p.Unlink("u");
    }
    return ReplaceFile()(p);
  });
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("error recoverable wedged"),
                                         HasSubstr(", then after a kill after 1 "))));
}

TEST_F(NextRunFakeTest, ARecoveryCommandIsRunInsteadOfTheRecordedOne) {
  NextRunOptions options;
  options.recover = {"recover"};
  const auto run = [&](FakeProgram recover) {
    Record({{"f", "the old content"}}, ReplaceFile({.takes_no_leftover = true}));
    own_lab_->Know("recover", std::move(recover));
    Explore(MakeNextRunExplorer(options));
  };
  run([](FakeProcess& p) {
    p.Unlink("f.tmp");
    return 0;
  });
  EXPECT_THAT(Findings(), IsEmpty());
  run([](FakeProcess& p) { return p.Exists("f.tmp") ? 1 : 0; });
  EXPECT_THAT(Findings(), Contains(StartsWith("error recoverable wedged")));
}

TEST_F(NextRunFakeTest, TheCheckCommandMustBeContentWithWhatTheNextRunLeaves) {
  const auto check = Asks([](const FileTree& tree) {
    return CheckerAnswer{Text(tree, "f").starts_with("bad") ? 1 : 0, ""};
  });
  Ask({}, check);
  Run([](FakeProcess& p) {
    Mistakes none;
    if (p.Exists("f.tmp")) none.content = "bad";
    return ReplaceFile(none)(p);
  });
  EXPECT_THAT(Findings(),
              Contains(StartsWith("error recoverable rejected-by-check: after a kill ")));
  Ask({}, check);
  ExpectClean(ReplaceFile());
}

TEST_F(NextRunFakeTest, ContentThatCarriesTheTimeIsNoFinding) {
  Run([](FakeProcess& p) {
    Mistakes none;
    none.content = "written at " + std::to_string(p.Now() / 100);
    return ReplaceFile(none)(p);
  });
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(NextRunFakeTest, ABoundIsSaid) {
  NextRunOptions options;
  options.most_states = 1;
  Run(
      [](FakeProcess& p) {
        for (const char* name : {"x", "y", "z"}) Write(p, name, name);
        return 0;
      },
      options);
  EXPECT_FALSE(result_.exhaustive());
  EXPECT_EQ(result_.cases, 1u);
}

TEST_F(NextRunFakeTest, WhatPowerCutsLeaveIsAStartAsWell) {
  NextRunOptions options;
  options.after_power_cut = true;
  space_.profiles = space_.table.Select({"xfs"}).value();
  const auto careless = [](FakeProcess& p) {
    std::string old;
    const int fd = p.Open("f", O_RDONLY);
    if (p.Read(fd, &old) <= 0) return 1;
    p.Close(fd);
    Write(p, "f.tmp", "the new content");
    return p.Rename("f.tmp", "f") == 0 ? 0 : 1;
  };
  Run(careless, options);
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("error recoverable wedged"),
                                         HasSubstr("power cut under xfs"))))
      << "an empty f stops this command for ever";
  ExpectClean(ReplaceFile(), options);
}

}  // namespace
}  // namespace oldornew
