#include "run/sandbox.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstring>
#include <filesystem>
#include <set>

#include "run/test_support.h"

namespace oldornew {
using testing::Fingerprint;
using testing::Kind;
using testing::kKinds;
using testing::MustRun;
using testing::Shell;
namespace {

class SandboxTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("sandbox-test-");
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    judged_ = dir_->path() + "/judged";
    ASSERT_OK(MakeDirectories(judged_ + "/sub"));
    ASSERT_OK(WriteFile(judged_ + "/config", "old\n"));
    ASSERT_OK(WriteFile(judged_ + "/sub/other", "other\n"));
    spec_.directory = judged_;
    spec_.at_most = GetParam().isolation;
    spec_.in_memory = GetParam().in_memory;
  }
  void Make() {
    auto sandbox = Sandbox::Create(spec_);
    if (spec_.in_memory && !sandbox && sandbox.error().exit_code == ExitCode::kCannotJudge)
      GTEST_SKIP() << sandbox.error().message;
    ASSERT_OK(sandbox);
    sandbox_ = std::make_unique<Sandbox>(std::move(*sandbox));
    if (sandbox_->isolation() != GetParam().isolation)
      GTEST_SKIP() << "this isolation is not to be had here";
  }
  bool HasView() const { return GetParam().isolation != Isolation::kNone; }

  std::unique_ptr<TempDir> dir_;
  std::string judged_;
  SandboxSpec spec_;
  std::unique_ptr<Sandbox> sandbox_;
};

INSTANTIATE_TEST_SUITE_P(Each, SandboxTest, ::testing::ValuesIn(kKinds),
                         [](const auto& test) { return test.param.name; });

TEST_P(SandboxTest, ChangesTheCopyAndNeverTheOriginal) {
  const auto before = Fingerprint(judged_);
  Make();
  if (IsSkipped()) return;
  const RunResult result =
      Shell(*sandbox_, "echo new > config; rm -r sub; mkdir x; chmod 700 .; pwd");
  EXPECT_EQ(result.exit_status, 0) << result.stderr_bytes;
  EXPECT_EQ(result.stdout_bytes, (HasView() ? judged_ : sandbox_->judged_path()) + "\n");
  EXPECT_EQ(*ReadFile(sandbox_->judged_path() + "/config"), "new\n");
  EXPECT_EQ(LeavesBelow(sandbox_->judged_path()), (std::vector<std::string>{"config", "x"}));

  sandbox_.reset();
  EXPECT_EQ(Fingerprint(judged_), before);
}

TEST_P(SandboxTest, KeepsTheCopyReachableByItsOriginalPath) {
  if (!HasView()) return;
  const auto before = Fingerprint(judged_);
  Make();
  if (IsSkipped()) return;
  const RunResult result = Shell(
      *sandbox_, fmt::format("cd /; echo new > {}/config && cat {}/sub/other", judged_, judged_));
  EXPECT_EQ(result.stdout_bytes, "other\n") << result.stderr_bytes;
  EXPECT_EQ(*ReadFile(sandbox_->judged_path() + "/config"), "new\n");
  EXPECT_EQ(Fingerprint(judged_), before);
}

TEST_P(SandboxTest, MakesEverythingElseReadOnly) {
  if (!HasView()) return;
  Make();
  if (IsSkipped()) return;
  for (const char* place :
       {"/etc", "/usr", "/var", "/opt", "/proc/sys/vm", "/sys/kernel", "/run"}) {
    const RunResult result = Shell(*sandbox_, fmt::format("touch {}/oldornew-probe", place));
    EXPECT_NE(result.exit_status, 0) << place;
    EXPECT_FALSE(std::filesystem::exists(std::string(place) + "/oldornew-probe")) << place;
  }

  EXPECT_EQ(Shell(*sandbox_, "echo x > /dev/null && head -c 3 /dev/zero | wc -c").stdout_bytes,
            "3\n");
}

TEST_P(SandboxTest, LeavesNoMountWritableButItsOwn) {
  if (!HasView()) return;
  Make();
  if (IsSkipped()) return;
  std::set<std::string> own = {"/proc", "/proc/driver", "/proc/driver/meet",
                               EnvironmentVariable("HOME")};
  for (const SandboxRoot& root : sandbox_->roots()) own.insert(root.seen_path);
  size_t read_only = 0;
  for (const std::string& line :
       Split(Shell(*sandbox_, "cat /proc/self/mountinfo").stdout_bytes, '\n')) {
    const std::vector<std::string> fields = Split(line, ' ');
    if (fields.size() < 6) continue;
    const bool is_read_only = fields[5].starts_with("ro");
    read_only += is_read_only;
    // What is covered by one of ours is listed too; it must be read-only, ours need not be.
    EXPECT_TRUE(is_read_only || own.contains(fields[4])) << line;
  }

  EXPECT_GT(read_only, 0u);
}

TEST_P(SandboxTest, GivesPrivateTemporaryDirectories) {
  Make();
  if (IsSkipped()) return;
  const std::string marker = fmt::format("oldornew-marker-{}", getpid());
  if (HasView()) {
    for (const char* place : {"/tmp", "/var/tmp", "/dev/shm"}) {
      const RunResult result =
          Shell(*sandbox_, fmt::format("echo x > {0}/{1} && cat {0}/{1}", place, marker));
      EXPECT_EQ(result.stdout_bytes, "x\n") << place << ": " << result.stderr_bytes;
      EXPECT_FALSE(std::filesystem::exists(std::string(place) + "/" + marker)) << place;
    }
  }

  const std::string in_tmpdir = marker + "-2";
  const RunResult result = Shell(*sandbox_, "echo x > ${TMPDIR:-/tmp}/" + in_tmpdir);
  EXPECT_EQ(result.exit_status, 0) << result.stderr_bytes;

  int found = 0;
  for (const SandboxRoot& root : sandbox_->roots()) {
    found += root.role == RootRole::kTemporary &&
             std::filesystem::exists(root.disk_path + "/" + in_tmpdir);
  }

  EXPECT_EQ(found, 1);
}

TEST_P(SandboxTest, ThrowsAwayWhatIsWrittenBelowHome) {
  const std::string home = dir_->path() + "/home";
  ASSERT_OK(MakeDirectories(home + "/.config"));
  ASSERT_OK(WriteFile(home + "/.config/rc", "rc\n"));
  const auto before = Fingerprint(home);
  const std::string saved = EnvironmentVariable("HOME");
  setenv("HOME", home.c_str(), 1);
  Make();
  setenv("HOME", saved.c_str(), 1);
  if (IsSkipped()) return;
  if (HasView() && !sandbox_->home_is_thrown_away()) GTEST_SKIP() << "no overlay here";
  RunSpec run;
  run.environment =
      HasView() ? std::vector<std::string>{"HOME=" + home} : std::vector<std::string>{};
  run.command = {
      "/bin/sh", "-c",
      "cat ~/.config/rc; echo x > ~/.viminfo && mkdir -p ~/.config && echo y > ~/.config/rc"};
  auto result = oldornew::Run(*sandbox_, run);
  ASSERT_OK(result);
  EXPECT_EQ(result->exit_status, 0) << result->stderr_bytes;
  EXPECT_EQ(result->stdout_bytes, HasView() ? "rc\n" : "");
  EXPECT_EQ(sandbox_->HomeChanges(), (std::vector<std::string>{".config/rc", ".viminfo"}));
  EXPECT_EQ(Fingerprint(home), before);

  // A fresh state has a fresh home.
  auto tree = Capture({sandbox_->judged_path()});
  ASSERT_OK(tree);
  ASSERT_OK(sandbox_->Present(tree->tree));
  EXPECT_TRUE(sandbox_->HomeChanges().empty());

  run.command = {"/bin/sh", "-c", "ls -A ~; cat ~/.config/rc 2>/dev/null"};
  auto next = oldornew::Run(*sandbox_, run);
  ASSERT_OK(next);
  EXPECT_EQ(next->stdout_bytes, HasView() ? ".config\nrc\n" : "");
}

TEST_P(SandboxTest, JudgesADirectoryBelowHome) {
  const auto before = Fingerprint(judged_);
  const std::string saved = EnvironmentVariable("HOME");
  setenv("HOME", dir_->path().c_str(), 1);
  Make();
  setenv("HOME", saved.c_str(), 1);
  if (IsSkipped()) return;
  EXPECT_EQ(Shell(*sandbox_, "echo new > config").exit_status, 0);
  EXPECT_EQ(*ReadFile(sandbox_->judged_path() + "/config"), "new\n");
  EXPECT_TRUE(sandbox_->HomeChanges().empty());
  EXPECT_EQ(Fingerprint(judged_), before);
}

TEST_P(SandboxTest, PresentsStatesForTheNextRun) {
  Make();
  if (IsSkipped()) return;
  std::vector<std::string> roots;
  for (const SandboxRoot& root : sandbox_->roots()) roots.push_back(root.disk_path);
  auto old_tree = Capture(roots);
  ASSERT_OK(old_tree);
  for (int round = 0; round < 3; ++round) {
    const RunResult result =
        Shell(*sandbox_,
              "cat config; ls ${TMPDIR:-/tmp} | grep -c stray; echo new > config; rm -r "
              "sub; echo > ${TMPDIR:-/tmp}/stray");
    EXPECT_EQ(result.stdout_bytes, "old\n0\n") << round;
    ASSERT_OK(sandbox_->Present(old_tree->tree));
  }

  EXPECT_EQ(Shell(*sandbox_, "cat config sub/other").stdout_bytes, "old\nother\n");
}

TEST_P(SandboxTest, JudgesAlsoDirectories) {
  const std::string also = dir_->path() + "/also";
  ASSERT_OK(MakeDirectories(also));
  ASSERT_OK(WriteFile(also + "/f", "f"));
  spec_.also_directories = {also};
  Make();
  if (IsSkipped()) return;
  ASSERT_GE(sandbox_->roots().size(), 2u);
  EXPECT_EQ(sandbox_->roots()[1].role, RootRole::kJudged);
  EXPECT_EQ(
      Shell(*sandbox_, fmt::format("echo g > {}/f", sandbox_->roots()[1].seen_path)).exit_status,
      0);
  EXPECT_EQ(*ReadFile(sandbox_->roots()[1].disk_path + "/f"), "g\n");
  EXPECT_EQ(*ReadFile(also + "/f"), "f");
}

TEST_P(SandboxTest, ShowsTheSameUser) {
  Make();
  if (IsSkipped()) return;
  EXPECT_EQ(Shell(*sandbox_, "id -u; id -g").stdout_bytes,
            fmt::format("{}\n{}\n", getuid(), getgid()));
}

TEST_P(SandboxTest, KeepsAProgramInACoveredDirectoryVisible) {
  if (!HasView()) return;
  const std::string program = dir_->path() + "/tool";
  ASSERT_OK(WriteFile(program, "#!/bin/sh\necho here\n"));
  ASSERT_EQ(chmod(program.c_str(), 0755), 0);
  spec_.visible = {program, "/no/such/file", judged_};
  Make();
  if (IsSkipped()) return;
  EXPECT_EQ(MustRun(*sandbox_, {program}).stdout_bytes, "here\n");
  EXPECT_NE(Shell(*sandbox_, "echo x > " + program).exit_status, 0);
}

TEST_P(SandboxTest, RemovesItsWorkAreaAndProcesses) {
  Make();
  if (IsSkipped()) return;
  const std::string work = sandbox_->scratch_path();
  ASSERT_TRUE(std::filesystem::exists(work));
  Shell(*sandbox_, "mkdir -p a/b/c; echo x > a/b/c/d; chmod 0 a/b");
  sandbox_.reset();
  EXPECT_FALSE(std::filesystem::exists(work));
  EXPECT_FALSE(std::filesystem::exists(work.substr(0, work.rfind('/'))));
}

TEST_P(SandboxTest, KeepsItsWorkAreaWhenAsked) {
  Make();
  if (IsSkipped()) return;
  const std::string work = sandbox_->Keep();
  sandbox_.reset();
  EXPECT_TRUE(std::filesystem::exists(work));
  ASSERT_OK(RemoveTree(work));
}

TEST_P(SandboxTest, CleansUpWhenItsOwnerIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    Make();
    const std::string work = sandbox_->scratch_path();
    if (write(ends[1], work.data(), work.size()) < 0) _exit(1);
    RunSpec run;
    run.command = {"sleep", "986"};
    close(ends[1]);
    (void)oldornew::Run(*sandbox_, run);
    _exit(0);
  }

  close(ends[1]);
  char work[4096] = {};
  ASSERT_GT(read(ends[0], work, sizeof work - 1), 0);
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  close(ends[0]);
  while (wait(nullptr) > 0) {  // the keeper, which became ours
  }

  EXPECT_FALSE(std::filesystem::exists(work));
}

TEST_P(SandboxTest, EndsARunAndCleansUpWhenInterrupted) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    CatchInterrupts();
    int status = 1;
    {
      Make();
      RunSpec run;
      run.command = {"/bin/sh", "-c", "trap '' INT TERM; echo $0 >&9; sleep 986",
                     sandbox_->scratch_path()};
      run.descriptors = {{ends[1], 9}};
      close(ends[0]);
      auto result = oldornew::Run(*sandbox_, run);
      if (!result && Interrupted()) status = static_cast<int>(result.error().exit_code);
      sandbox_.reset();
    }
    _exit(status);
  }

  close(ends[1]);
  char work[4096] = {};
  ASSERT_GT(read(ends[0], work, sizeof work - 1), 0);  // the command runs
  *std::strchr(work, '\n') = '\0';
  EXPECT_TRUE(std::filesystem::exists(work));

  kill(owner, SIGINT);
  int status = 0;
  waitpid(owner, &status, 0);
  close(ends[0]);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_FALSE(std::filesystem::exists(work));
}

TEST_P(SandboxTest, RefusesDirectoriesThatCannotBeJudged) {
  const auto expect = [&](const std::string& directory, const std::string& text) {
    spec_.directory = directory;
    auto sandbox = Sandbox::Create(spec_);
    ASSERT_FALSE(sandbox) << directory;
    EXPECT_EQ(sandbox.error().exit_code, ExitCode::kUsage);
    EXPECT_NE(sandbox.error().message.find(text), std::string::npos) << sandbox.error().message;
  };

  expect("/", "--dir");
  expect(judged_ + "/absent", "No such file");
  expect(judged_ + "/config", "not a directory");
  expect("/proc", "real file system");
  spec_.work_parent = judged_ + "/sub";
  expect(judged_, "--work-dir");
  spec_.work_parent.clear();
  spec_.also_directories = {judged_ + "/sub"};
  expect(judged_, "overlap");
  spec_.also_directories.clear();
  spec_.copy_limit = 5;
  expect(judged_, "--dir");
}

}  // namespace
}  // namespace oldornew
