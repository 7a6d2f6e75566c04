#include "run/runner.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "run/process_list.h"
#include "run/test_support.h"

namespace oldornew {
using testing::Fingerprint;
using testing::MustRun;
using testing::Shell;
namespace {

/// Processes on the machine, as we see it, with this command line.
int CountSleepers(const std::string& command_line) {
  int count = 0;
  for (const ProcessInfo& info : ListProcesses())
    count += info.state != 'Z' && CommandLine(info.pid) == command_line;
  return count;
}

/// Every test runs under each isolation that the machine has.
class RunnerTest : public ::testing::TestWithParam<Isolation> {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("runner-test-");
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    SandboxSpec spec;
    spec.directory = dir_->path();
    spec.at_most = GetParam();
    auto sandbox = Sandbox::Create(spec);
    ASSERT_OK(sandbox);
    sandbox_ = std::make_unique<Sandbox>(std::move(*sandbox));
    if (sandbox_->isolation() != GetParam()) GTEST_SKIP() << "this isolation is not to be had here";
  }
  Result<RunResult> RunFor(int milliseconds, const std::string& script) {
    spec_.command = {"/bin/sh", "-c", script};
    spec_.time_limit = std::chrono::milliseconds(milliseconds);
    return oldornew::Run(*sandbox_, spec_);
  }
  Error MustFail(std::vector<std::string> command) {
    spec_.command = std::move(command);
    auto result = oldornew::Run(*sandbox_, spec_);
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  }
  void PutProgram(const std::string& name, const std::string& bytes, mode_t mode) {
    const std::string path = sandbox_->judged_path() + "/" + name;
    ASSERT_OK(WriteFile(path, bytes));
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }

  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<Sandbox> sandbox_;
  RunSpec spec_;
};

TEST_P(RunnerTest, ALineOfOutputEndsARunThatLeavesADaemonBehind) {
  spec_.until = "^ready [0-9]+$";
  const auto result =
      RunFor(60'000, "sleep 612 & echo not ready yet; echo ready 7; exec sleep 613");
  ASSERT_OK(result);
  EXPECT_TRUE(result->until_came);
  EXPECT_FALSE(result->timed_out);
  EXPECT_EQ(result->exit_status, 0) << "it was ended by us, at its word";
  EXPECT_EQ(CountSleepers("sleep 612") + CountSleepers("sleep 613"), 0);
  EXPECT_TRUE(WhyNotOver(spec_, *result).empty());

  spec_.until.clear();
  const auto next = RunFor(60'000, "echo ready 8; exit 3");
  ASSERT_OK(next);
  EXPECT_EQ(next->exit_status, 3)
      << "what ends by itself keeps its status, and the warden serves on";
}

TEST_P(RunnerTest, ALineThatNeverComesEndsNothing) {
  spec_.until = "^ready$";
  const auto result = RunFor(60'000, "printf 'ready'; echo ' or not'; exit 4");
  ASSERT_OK(result);
  EXPECT_FALSE(result->until_came);
  EXPECT_EQ(result->exit_status, 4);
}

INSTANTIATE_TEST_SUITE_P(Each, RunnerTest,
                         ::testing::Values(Isolation::kFull, Isolation::kMountOnly,
                                           Isolation::kNone),
                         [](const auto& test) {
                           return test.param == Isolation::kFull        ? "Full"
                                  : test.param == Isolation::kMountOnly ? "MountOnly"
                                                                        : "NoNamespace";
                         });

TEST_P(RunnerTest, ReportsEveryExitStatus) {
  for (int status = 0; status < 256; ++status) {
    EXPECT_EQ(Shell(*sandbox_, "exit " + std::to_string(status)).exit_status, status);
  }
}

TEST_P(RunnerTest, ReportsDeadlySignalsAsShellsDo) {
  for (int number : {SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGPIPE, SIGSEGV, SIGABRT, SIGSYS, 40}) {
    const RunResult result = Shell(*sandbox_, fmt::format("kill -{} $$", number));
    EXPECT_EQ(result.signal, number);
    EXPECT_EQ(result.exit_status, 128 + number);
  }
}

TEST_P(RunnerTest, KeepsTheStreamsApartAndWhole) {
  const RunResult result = Shell(
      *sandbox_, "i=0; while [ $i -lt 500 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done");
  std::string out, err;
  for (int i = 0; i < 500; ++i) {
    out += fmt::format("out{}\n", i);
    err += fmt::format("err{}\n", i);
  }

  EXPECT_EQ(result.stdout_bytes, out);
  EXPECT_EQ(result.stderr_bytes, err);
  EXPECT_FALSE(result.output_cut);
}

TEST_P(RunnerTest, CutsHugeOutputAndSaysSo) {
  spec_.output_limit = 1000;
  spec_.command = {"/bin/sh", "-c", "head -c 50000000 /dev/zero; echo end >&2"};
  auto result = oldornew::Run(*sandbox_, spec_);
  ASSERT_OK(result);
  EXPECT_EQ(result->stdout_bytes, std::string(1000, '\0'));
  EXPECT_EQ(result->stderr_bytes, "end\n");
  EXPECT_TRUE(result->output_cut);
}

TEST_P(RunnerTest, ReadsNothingFromStandardInputByDefaultAndAFileIfGiven) {
  EXPECT_EQ(MustRun(*sandbox_, {"cat"}).stdout_bytes, "");
  spec_.stdin_path = dir_->path() + "/in";
  ASSERT_OK(WriteFile(spec_.stdin_path, "given"));
  spec_.command = {"cat"};
  auto result = oldornew::Run(*sandbox_, spec_);
  ASSERT_OK(result);
  EXPECT_EQ(result->stdout_bytes, "given");
}

TEST_P(RunnerTest, EditsTheEnvironment) {
  setenv("OLDORNEW_TEST_A", "caller", 1);
  setenv("OLDORNEW_TEST_B", "caller", 1);
  spec_.environment = {"OLDORNEW_TEST_A=changed", "OLDORNEW_TEST_B", "OLDORNEW_TEST_C=new"};
  spec_.command = {"/bin/sh", "-c",
                   "echo $OLDORNEW_TEST_A/${OLDORNEW_TEST_B-unset}/$OLDORNEW_TEST_C"};
  EXPECT_EQ(oldornew::Run(*sandbox_, spec_)->stdout_bytes, "changed/unset/new\n");
}

TEST_P(RunnerTest, HandsOverDescriptorsAtTheirNumbersAndNoOthers) {
  UniqueFd a(open("/dev/null", O_RDONLY));
  UniqueFd leaked(open("/dev/null", O_RDONLY));  // no O_CLOEXEC
  ASSERT_OK(WriteFile(dir_->path() + "/file", "seven"));
  UniqueFd b(open((dir_->path() + "/file").c_str(), O_RDONLY));
  spec_.descriptors = {{b.get(), 7}, {a.get(), 900}, {b.get(), 3}};
  spec_.command = {"/bin/sh", "-c", "cat <&7; ls /proc/self/fd"};
  auto result = oldornew::Run(*sandbox_, spec_);
  ASSERT_OK(result);
  EXPECT_EQ(result->stdout_bytes, "seven0\n1\n2\n3\n4\n7\n900\n");  // 4 is ls's own
}

TEST_P(RunnerTest, NamesTheReasonWhyACommandCannotStart) {
  PutProgram("plain", "no program", 0644);
  PutProgram("lost", "#!/no/such/interpreter\n", 0755);
  PutProgram("garbage", std::string("\x01\0\x02\0", 4), 0755);
  PutProgram("torn-elf",
             "\x7f"
             "ELF",
             0755);
  const auto expect = [&](const std::string& command, const std::string& text) {
    const Error error = MustFail({command});
    EXPECT_EQ(error.exit_code, ExitCode::kUsage);
    EXPECT_NE(error.message.find(text), std::string::npos) << error.message;
    EXPECT_TRUE(error.message.starts_with(command)) << error.message;
  };

  expect("no-such-command-anywhere", "command not found");
  expect("./absent", "no such file or directory");
  expect("/absent/dir/x", "no such file or directory");
  expect("./plain", "Permission denied");
  expect("/", "is a directory");
  expect("./lost", "interpreter");
  expect("./garbage", "cannot execute binary file");
  EXPECT_EQ(MustFail({}).exit_code, ExitCode::kUsage);
  EXPECT_EQ(Shell(*sandbox_, "echo still works").stdout_bytes, "still works\n");
}

TEST_P(RunnerTest, RunsAScriptWithoutAnInterpreterLineAsShellsDo) {
  PutProgram("script", "echo \"$0 got $1\"\n", 0755);
  EXPECT_EQ(MustRun(*sandbox_, {"./script", "one two"}).stdout_bytes, "./script got one two\n");
}

TEST_P(RunnerTest, SearchesThePathOfTheGivenEnvironment) {
  PutProgram("tool", "#!/bin/sh\necho found\n", 0755);
  spec_.environment = {"PATH=/nowhere:.:/usr/bin"};
  spec_.command = {"tool"};
  auto result = oldornew::Run(*sandbox_, spec_);
  ASSERT_OK(result);
  EXPECT_EQ(result->stdout_bytes, "found\n");
}

TEST_P(RunnerTest, WaitsForADaemonThatEndsAndCollectsItsOutput) {
  auto result = RunFor(20000, "(setsid sh -c 'sleep 0.1; echo late; echo x > daemon' &) ; exit 3");
  ASSERT_OK(result);
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->stdout_bytes, "late\n");
  EXPECT_FALSE(result->timed_out);
  EXPECT_EQ(*ReadFile(sandbox_->judged_path() + "/daemon"), "x\n");
}

TEST_P(RunnerTest, EndsADaemonAtTheTimeLimitAndNamesIt) {
  auto result = RunFor(
      300,
      "(setsid sh -c 'trap \"\" TERM HUP; exec sleep 987' >/dev/null 2>&1 </dev/null &) ; exit 0");
  ASSERT_OK(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_TRUE(result->main_ended);
  EXPECT_EQ(result->exit_status, 0);
  ASSERT_EQ(result->stragglers.size(), 1u);
  EXPECT_EQ(result->stragglers[0].command, "sleep 987");

  const auto why = WhyNotOver(spec_, *result);
  ASSERT_EQ(why.size(), 1u);
  EXPECT_NE(why[0].find("(sleep 987)"), std::string::npos) << why[0];
  EXPECT_NE(why[0].find("0.3 s"), std::string::npos) << why[0];
  EXPECT_EQ(CountSleepers("sleep 987"), 0);
}

TEST_P(RunnerTest, EndsAProgramThatIgnoresEverySignalAndClosesEverything) {
  auto result =
      RunFor(300, "trap '' HUP INT TERM QUIT; exec <&- >&- 2>&-; sleep 988 & exec sleep 988");
  ASSERT_OK(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_FALSE(result->main_ended);
  EXPECT_EQ(result->exit_status, 137);
  EXPECT_EQ(result->stragglers.size(), 2u);
  EXPECT_EQ(CountSleepers("sleep 988"), 0);
}

TEST_P(RunnerTest, EndsStoppedProcesses) {
  auto result = RunFor(300, "sleep 989 & kill -STOP $!; kill -STOP $$");
  ASSERT_OK(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(CountSleepers("sleep 989"), 0);
}

TEST_P(RunnerTest, EndsAForkBomb) {
  // Grows like a bomb, but to 1023 processes at most, should we fail to end it.
  spec_.process_limit = 150;
  auto result = RunFor(20000,
                       "f() { if [ $1 -gt 0 ]; then f $(($1-1)) & f $(($1-1)) & wait; else exec "
                       "sleep 985; fi; }; f 9");
  ASSERT_OK(result);
  EXPECT_TRUE(result->too_many_processes);
  EXPECT_FALSE(result->timed_out);
  EXPECT_FALSE(result->stragglers.empty());
  EXPECT_EQ(CountSleepers("sleep 985"), 0);
  EXPECT_EQ(Shell(*sandbox_, "echo alive").stdout_bytes, "alive\n");
}

TEST_P(RunnerTest, EndsManyDaemonsInSessionsOfTheirOwn) {
  spec_.process_limit = 50;
  auto result =
      RunFor(20000, "i=0; while [ $i -lt 200 ]; do setsid -f sleep 984; i=$((i+1)); done");
  ASSERT_OK(result);
  EXPECT_TRUE(result->too_many_processes);
  EXPECT_EQ(CountSleepers("sleep 984"), 0);
}

TEST_P(RunnerTest, SurvivesTheRemovalOfItsDirectory) {
  const RunResult result = Shell(*sandbox_, "mkdir d && cd d && rmdir ../d && echo gone");
  EXPECT_EQ(result.stdout_bytes, "gone\n");
  spec_.command = {"true"};
  spec_.directory = sandbox_->working_directory() + "/d";
  auto next = oldornew::Run(*sandbox_, spec_);
  ASSERT_FALSE(next);
  EXPECT_NE(next.error().message.find("cannot enter"), std::string::npos);
}

TEST_P(RunnerTest, StartsEachRunWithDefaultSignalsAndNoneBlocked) {
  signal(SIGUSR1, SIG_IGN);
  const RunResult result = MustRun(*sandbox_, {"cat", "/proc/self/status"});
  signal(SIGUSR1, SIG_DFL);
  for (const char* line : {"SigBlk:\t0000000000000000\n", "SigIgn:\t0000000000000000\n",
                           "SigCgt:\t0000000000000000\n"}) {
    EXPECT_NE(result.stdout_bytes.find(line), std::string::npos) << result.stdout_bytes;
  }
}

TEST_P(RunnerTest, RepeatsProcessNumbersInAPidNamespace) {
  if (GetParam() != Isolation::kFull) GTEST_SKIP();
  const std::string first = Shell(*sandbox_, "echo $$ $(sh -c 'echo $$')").stdout_bytes;
  EXPECT_EQ(first, "2 3\n");
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(Shell(*sandbox_, "echo $$ $(sh -c 'echo $$')").stdout_bytes, first);
}

}  // namespace
}  // namespace oldornew
