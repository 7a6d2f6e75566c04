// What the kill explorer finds in fake programs: each mistake is found, and its correct twin is
// clean.
#include <fcntl.h>
#include <signal.h>

#include "explorers/explorer_test_support.h"
#include "explorers/kill/kill.h"
#include "explorers/replace_file_test_support.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using testing::FakeProcess;
using testing::FakeProgram;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReplaceFile;
using ::testing::SizeIs;
using ::testing::StartsWith;

class KillFakeTest : public testing::FakeExplorerTest {
 protected:
  void Kill(FakeProgram program, KillOptions options = {}) {
    Record({{"f", "the old content"}}, std::move(program));
    if (HasFatalFailure()) return;
    Explore(MakeKillExplorer(options));
  }

  void ExpectClean(FakeProgram program) {
    Kill(std::move(program));
    EXPECT_THAT(Findings(), IsEmpty());
    EXPECT_THAT(result_.bounds, IsEmpty());
    EXPECT_GE(result_.cases, 5u);
  }
};

int WriteInPlace(FakeProcess& p) {
  const int fd = p.Open("f", O_WRONLY | O_TRUNC);
  p.Write(fd, "the new content");
  p.Close(fd);
  return 0;
}

TEST_F(KillFakeTest, AFileThatIsWrittenInPlaceIsEmptyWhenAllIsKilled) {
  Kill(WriteInPlace);
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error atomic empty"),
                             HasSubstr("f can be EMPTY when all is killed after 1 openat(f"))));
  EXPECT_THAT(Findings(), SizeIs(1)) << "what a signal does to it is the same once more";
  EXPECT_EQ(result_.findings[0].run, -1) << "the recording shows it";
  ExpectClean(ReplaceFile());
}

TEST_F(KillFakeTest, WithoutAWayToRunOnlyTheRecordingIsJudged) {
  Kill(WriteInPlace);
  const uint64_t with_runs = result_.cases;
  Lab saved({}, nullptr);
  Use(recorded_, &saved);
  Explore(MakeKillExplorer({}));
  EXPECT_THAT(Findings(), SizeIs(1));
  EXPECT_LT(result_.cases, with_runs);
}

// The shell of `sed ... >f.tmp; mv f.tmp f`.
FakeProgram Script(bool minds_dead_helpers) {
  return [=](FakeProcess& p) {
    const int fd = p.Open("f.tmp", O_WRONLY | O_CREAT | O_TRUNC);
    const int status = p.Child("sed", [fd](FakeProcess& sed) {
      sed.Exists("f");
      return sed.Write(fd, "the new content") > 0 ? 0 : 1;
    });
    p.Close(fd);
    if (status != 0 && minds_dead_helpers) return status;
    return p.Child("mv", [](FakeProcess& mv) { return mv.Rename("f.tmp", "f") == 0 ? 0 : 1; });
  };
}

TEST_F(KillFakeTest, AScriptThatGoesOnWithoutItsDeadHelperPublishesWhatItLeft) {
  Kill(Script(/*minds_dead_helpers=*/false));
  EXPECT_THAT(Findings(),
              Contains(AllOf(StartsWith("error honest empty: when sed alone is killed before "),
                             HasSubstr("f can be EMPTY"))));
  ASSERT_THAT(result_.runs, SizeIs(1));
  EXPECT_EQ(result_.runs[0].trace.exit_status, 0);
  EXPECT_THAT(result_.findings[0].again, HasSubstr("signal=KILL"));
  ASSERT_THAT(result_.findings[0].injected, SizeIs(1));
  EXPECT_EQ(result_.findings[0].injected[0].way, "signal");
  EXPECT_EQ(result_.findings[0].injected[0].error, "SIGKILL");
}

TEST_F(KillFakeTest, AScriptThatStopsWhenItsHelperDiesIsClean) {
  ExpectClean(Script(/*minds_dead_helpers=*/true));
}

// Replaces f, and does `at_the_end` when it gets SIGTERM.
FakeProgram Handles(std::function<void(FakeProcess&)> at_the_end) {
  return [=](FakeProcess& p) {
    p.OnSignal(SIGTERM, [&p, at_the_end] { at_the_end(p); });
    const int fd = p.Open("f.tmp", O_WRONLY | O_CREAT | O_TRUNC);
    p.Write(fd, "the new");
    p.Write(fd, " content");
    p.Close(fd);
    return p.Rename("f.tmp", "f") == 0 ? 0 : 1;
  };
}

TEST_F(KillFakeTest, ASignalHandlerThatForgetsTheTemporaryLeavesLitter) {
  Kill(Handles([](FakeProcess& p) { p.Exit(1); }));
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("clean litter: with SIGTERM after "),
                                         HasSubstr("f.tmp is left"))));
  EXPECT_THAT(Findings(), SizeIs(1)) << "SIGINT is not handled";
  ExpectClean(Handles([](FakeProcess& p) {
    p.Unlink("f.tmp");
    p.Exit(1);
  }));
}

TEST_F(KillFakeTest, AHandlerThatSavesWhatThereIsPublishesHalf) {
  Kill(Handles([](FakeProcess& p) {
    p.Rename("f.tmp", "f");
    p.Exit(0);
  }));
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("error honest truncated: with SIGTERM after "),
                                         HasSubstr("f can be TRUNCATED"))));
  ExpectClean(Handles([](FakeProcess&) {}));
}

TEST_F(KillFakeTest, ManyMomentsAreThinnedOutAndThatIsSaid) {
  KillOptions options;
  options.most_of_each = 2;
  Kill(
      [](FakeProcess& p) {
        for (const char* name : {"a", "b", "c", "d", "e"})
          p.Close(p.Open(name, O_WRONLY | O_CREAT));
        return 0;
      },
      options);
  EXPECT_THAT(result_.notes, Contains(HasSubstr("evenly spread")));
  EXPECT_THAT(result_.words, HasSubstr("SIGTERM or SIGINT 4 times"));
}

TEST_F(KillFakeTest, ARunThatTakesAnotherPathIsABoundAndNoPass) {
  int runs = 0;
  Kill([&runs](FakeProcess& p) {
    if (++runs <= 2) p.Mkdir("first");
    return ReplaceFile()(p);
  });
  EXPECT_THAT(result_.bounds, Contains(HasSubstr("took another path")));
}

}  // namespace
}  // namespace oldornew
