// The small parts of this room: environments, places, candidates in $PATH, notes.
#include <signal.h>
#include <sys/wait.h>

#include "run/environment.h"
#include "run/find_program.h"
#include "run/notes.h"
#include "run/process_list.h"
#include "run/test_support.h"

namespace oldornew {
namespace {

TEST(Environment, ReplacesInPlaceAddsAtTheEndAndRemoves) {
  std::vector<std::string> environment = {"A=1", "AB=2", "C=3"};
  EditEnvironment(environment, "A=x=y");
  EditEnvironment(environment, "D=");
  EditEnvironment(environment, "C");
  EditEnvironment(environment, "NONE");
  EXPECT_EQ(environment, (std::vector<std::string>{"A=x=y", "AB=2", "D="}));
  EXPECT_EQ(ValueIn(environment, "A"), "x=y");
  EXPECT_EQ(ValueIn(environment, "B"), "");
}

TEST(Places, TellInsideFromBesides) {
  EXPECT_TRUE(IsWithin("/a/b", "/a"));
  EXPECT_TRUE(IsWithin("/a", "/a"));
  EXPECT_TRUE(IsWithin("/a", "/"));
  EXPECT_FALSE(IsWithin("/ab", "/a"));
  EXPECT_FALSE(IsWithin("/a", "/a/b"));
  EXPECT_EQ(Rebase("/a/b/c", "/a", "/x"), "/x/b/c");
  EXPECT_EQ(Rebase("/a", "/a", "/x"), "/x");
  EXPECT_EQ(Rebase("/a/b", "/", "/x"), "/x/a/b");
  EXPECT_EQ(RelativeTo("/a", "/a"), "");
}

TEST(Places, ListLeavesAndClearDirectories) {
  auto dir = TempDir::Create("places-test-");
  ASSERT_OK(dir);
  ASSERT_OK(MakeDirectories(dir->path() + "/a/b"));
  ASSERT_OK(MakeDirectories(dir->path() + "/empty"));
  ASSERT_OK(WriteFile(dir->path() + "/a/b/f", "x"));
  ASSERT_EQ(symlink("/", (dir->path() + "/link").c_str()), 0);
  EXPECT_EQ(LeavesBelow(dir->path()), (std::vector<std::string>{"a/b/f", "empty", "link"}));
  ASSERT_OK(ClearDirectory(dir->path()));
  EXPECT_TRUE(LeavesBelow(dir->path()).empty());
  EXPECT_FALSE(ClearDirectory(dir->path() + "/absent"));
}

TEST(ProgramCandidates, FollowThePathAsShellsDo) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(ProgramCandidates("x", "/a:/b"), (Names{"/a/x", "/b/x"}));
  EXPECT_EQ(ProgramCandidates("x", "/a::/b:"), (Names{"/a/x", "./x", "/b/x", "./x"}));
  EXPECT_EQ(ProgramCandidates("./x", "/a"), Names{"./x"});
  EXPECT_EQ(ProgramCandidates("", "/a"), Names{});
}

TEST(ProcessList, FindsDescendantsAndTheirCommandLines) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) pause();
    if (write(ends[1], "x", 1) == 1) pause();
    _exit(0);
  }

  char byte;
  ASSERT_EQ(read(ends[0], &byte, 1), 1);
  const auto family = DescendantsOf(getpid());
  ASSERT_EQ(family.size(), 2u);
  EXPECT_EQ(family[0].pid, child);
  EXPECT_EQ(family[1].parent, child);
  EXPECT_NE(CommandLine(child).find("oldornew_run_test"), std::string::npos);
  EXPECT_GE(CountProcesses(), 3u);

  kill(family[1].pid, SIGKILL);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(CommandLine(child), "[gone]");

  close(ends[0]);
  close(ends[1]);
}

TEST(Notes, ListAFewNamesAndCountTheRest) {
  EXPECT_EQ(NamedList({"a"}), "a");
  EXPECT_EQ(NamedList({"1", "2", "3", "4", "5"}), "1, 2, 3, 4, 5");
  EXPECT_EQ(NamedList({"1", "2", "3", "4", "5", "6", "7"}), "1, 2, 3, 4, 5 and 2 more");
}

TEST(Notes, NameWhatChangesTheVerdict) {
  auto dir = TempDir::Create("notes-test-");
  ASSERT_OK(dir);
  SandboxSpec spec;
  spec.directory = dir->path();
  auto sandbox = Sandbox::Create(spec);
  ASSERT_OK(sandbox);
  RunSpec run;
  run.command = {"dpkg", "--force-unsafe-io"};
  Trace trace;
  Op op;
  op.kind = OpKind::kAllocate;
  op.call = "fallocate";
  op.error = EOPNOTSUPP;
  trace.ops = {op, op};
  AddEnvironmentNotes(*sandbox, run, {"LD_PRELOAD=/usr/lib/libeatmydata.so", "GIT_TEST_FSYNC=0"},
                      trace);
  const std::string notes = Join(trace.notes, "\n");
  for (const char* part : {"libeatmydata", "force-unsafe-io", "GIT_TEST_FSYNC=0", "EOPNOTSUPP"}) {
    EXPECT_NE(notes.find(part), std::string::npos) << notes;
  }

  EXPECT_EQ(notes.find("EOPNOTSUPP"), notes.rfind("EOPNOTSUPP"));
  EXPECT_EQ(notes.find("running as root") != std::string::npos, geteuid() == 0);
}

}  // namespace
}  // namespace oldornew
