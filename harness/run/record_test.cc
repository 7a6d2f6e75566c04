#include "run/record.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "run/test_support.h"

namespace oldornew {
using testing::Fingerprint;
namespace {

class RecordTest : public ::testing::TestWithParam<testing::Kind> {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("record-test-");
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    judged_ = dir_->path() + "/judged";
    ASSERT_OK(MakeDirectories(judged_));
    ASSERT_OK(WriteFile(judged_ + "/config", "old\n"));
    spec_.sandbox.directory = judged_;
    spec_.sandbox.at_most = GetParam().isolation;
    spec_.sandbox.in_memory = GetParam().in_memory;
  }
  Recording MustRecord(const std::string& script) {
    spec_.run.command = {"/bin/sh", "-c", script};
    auto recording = Record(spec_);
    EXPECT_TRUE(recording) << recording.error().message;
    return recording ? std::move(*recording) : Recording{};
  }
  static std::string Reasons(const Trace& trace) {
    std::string text;
    for (const Obstacle& obstacle : trace.obstacles) text += obstacle.reason + "\n";
    return text;
  }
  static std::string Notes(const Trace& trace) { return Join(trace.notes, "\n"); }

  std::unique_ptr<TempDir> dir_;
  std::string judged_;
  RecordSpec spec_;
};

INSTANTIATE_TEST_SUITE_P(Each, RecordTest, ::testing::ValuesIn(testing::kKinds),
                         [](const auto& test) { return test.param.name; });

TEST_P(RecordTest, ReplacesAFileAndYieldsACompleteTrace) {
  const auto before = Fingerprint(judged_);
  const Recording recording =
      MustRecord("echo new > config.tmp && mv config.tmp config; echo said; echo oops >&2; exit 3");
  const Trace& trace = recording.trace;
  EXPECT_EQ(Reasons(trace), "");
  EXPECT_EQ(trace.exit_status, 3);
  EXPECT_EQ(trace.stdout_bytes, "said\n");
  EXPECT_EQ(trace.stderr_bytes, "oops\n");
  EXPECT_EQ(trace.old_tree.at(*trace.old_tree.Lookup("config")).content.ToString(), "old\n");
  EXPECT_EQ(trace.new_tree.at(*trace.new_tree.Lookup("config")).content.ToString(), "new\n");

  std::string kinds;
  for (const Op& op : trace.ops) {
    if (op.error == 0) kinds += std::string(OpKindName(op.kind)) + " ";
  }

  const size_t create = kinds.find("create"), write = kinds.find("write"),
               rename = kinds.find("rename");
  EXPECT_TRUE(create < write && write < rename && rename != std::string::npos) << kinds;
  EXPECT_EQ(Fingerprint(judged_), before);
}

TEST_P(RecordTest, SurveysAndFailsCallsInEveryRootAndNowhereElse) {
  spec_.run.plan.survey = true;
  spec_.run.plan.injections = {*ParseInjection("fchmodat:path=config:error=EROFS:when=1"),
                               *ParseInjection("unlinkat:error=EIO")};
  const Recording recording = MustRecord(
      "exec 2>&-; t=${TMPDIR:-/tmp}/t; cat config; echo x > $t; chmod 600 config; rm $t; "
      "cat /etc/passwd | wc -l > n; test -e $t");
  const Trace& trace = recording.trace;
  EXPECT_EQ(Reasons(trace), "");
  EXPECT_EQ(trace.exit_status, 0);
  EXPECT_EQ(trace.stdout_bytes, "old\n");
  EXPECT_EQ(trace.plan, (std::vector<std::string>{"fchmodat:path=config:error=EROFS:when=1",
                                                  "unlinkat:error=EIO"}));

  std::vector<std::string> happened;
  const std::string judged = trace.roots[0].path;
  for (const FileCall& call : trace.file_calls) {
    const bool relative = !call.path.starts_with("/");
    const bool inside = std::any_of(trace.roots.begin(), trace.roots.end(), [&](const Root& root) {
      return call.path.starts_with(root.path) && root.path != judged;
    });
    EXPECT_TRUE(relative || inside) << call.path;
    if (call.injection >= 0) happened.push_back(fmt::format("{} {}", call.call, call.told));
  }

  EXPECT_EQ(Join(happened, ", "), fmt::format("fchmodat {}, unlinkat -5", -EROFS));
}

TEST_P(RecordTest, AlwaysYieldsTheSameIdentity) {
  const std::string script =
      "for i in 1 2 3; do echo $i >> log; done; mkdir d; ln -s x d/l; mv config d/";
  const Digest first = MustRecord(script).trace.Identity();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(MustRecord(script).trace.Identity(), first);
}

TEST_P(RecordTest, RunsTheSetupFirstAndUnrecorded) {
  spec_.setup = {"/bin/sh", "-c", "echo prepared > state"};
  const Recording recording = MustRecord("cat state");
  EXPECT_EQ(recording.trace.stdout_bytes, "prepared\n");
  EXPECT_TRUE(recording.trace.old_tree.Lookup("state"));

  spec_.setup = {"/bin/sh", "-c", "echo why >&2; exit 4"};
  auto failed = Record(spec_);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().exit_code, ExitCode::kBaselineFailed);
  EXPECT_NE(failed.error().message.find("why"), std::string::npos);
}

TEST_P(RecordTest, NamesTheProcessThatTheTimeLimitCutOff) {
  spec_.run.time_limit = std::chrono::milliseconds(700);
  const Recording recording = MustRecord("echo x > started; (sleep 983 >/dev/null 2>&1 &)");
  EXPECT_NE(Reasons(recording.trace).find("sleep 983"), std::string::npos)
      << Reasons(recording.trace);
}

TEST_P(RecordTest, TracesWhatItCannotEnterAndDoesNotRunItWhenTold) {
  // Smallest static executable: a header, one loadable segment, exit(0).
  const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};
  std::string elf(
      "\x7f"
      "ELF\x02\x01\x01",
      7);
  elf.resize(16);
  const auto put = [&](uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) elf += static_cast<char>(value >> (8 * i));
  };

  put(2, 2), put(62, 2), put(1, 4), put(0x400078, 8), put(64, 8), put(0, 8), put(0, 4), put(64, 2),
      put(56, 2), put(1, 2);
  put(0, 6);
  put(1, 4), put(5, 4), put(0, 8), put(0x400000, 8), put(0x400000, 8), put(0x78 + sizeof code, 8),
      put(0x78 + sizeof code, 8);
  put(4096, 8);
  elf.append(reinterpret_cast<const char*>(code), sizeof code);
  // In the judged directory, and in a temporary one that the sandbox covers.
  for (const std::string& program : {judged_ + "/static", dir_->path() + "/static"}) {
    ASSERT_OK(WriteFile(program, elf));
    ASSERT_EQ(chmod(program.c_str(), 0755), 0);
    spec_.run.command = {program};
    spec_.run.backend = Backend::kAuto;
    auto recording = Record(spec_);
    ASSERT_OK(recording);
    EXPECT_TRUE(recording->trace.obstacles.empty()) << Reasons(recording->trace);
    EXPECT_EQ(recording->trace.backend, "ptrace");
    EXPECT_EQ(recording->trace.processes.size(), 1u);
    EXPECT_EQ(recording->trace.exit_status, 0);
    spec_.run.backend = Backend::kSud;
    recording = Record(spec_);
    ASSERT_OK(recording);
    ASSERT_EQ(recording->trace.obstacles.size(), 1u) << Reasons(recording->trace);
    EXPECT_EQ(recording->trace.obstacles[0].kind, Obstacle::Kind::kUnsupported);
    EXPECT_NE(recording->trace.obstacles[0].reason.find("static"), std::string::npos);
  }
}

TEST_P(RecordTest, BothBackendsSeeTheSame) {
  std::vector<std::string> seen;
  for (const Backend backend : {Backend::kSud, Backend::kPtrace}) {
    spec_.run.backend = backend;
    const Recording recording = MustRecord(
        "echo new > config.tmp; mv config.tmp config; mkdir d; ln -s x d/l; (echo a; exec cat "
        "config) >> "
        "d/f; echo out");
    EXPECT_EQ(Reasons(recording.trace), "");
    EXPECT_EQ(recording.trace.backend, backend == Backend::kSud ? "sud" : "ptrace");
    std::string text;
    for (const Op& op : recording.trace.ops)
      text += DescribeShort(op) + fmt::format(" {} {}\n", op.process, op.error);
    seen.push_back(text);
  }

  EXPECT_EQ(seen[0], seen[1]);
}

TEST_P(RecordTest, HandsOverWhatCannotBeEnteredAndGetsBackWhatCan) {
  const std::string program = judged_ + "/static";
  std::filesystem::copy_file(
      OLDORNEW_BINARY_DIR "/harness/interpose/testing/oldornew_interpose_static", program);
  std::vector<std::string> seen;
  for (const Backend backend : {Backend::kAuto, Backend::kPtrace}) {
    spec_.run.backend = backend;
    const Recording recording = MustRecord(
        "./static a mv a b; sh -c 'exec ./static c ./static d touch e; true'; ./static f ./nosuch "
        "|| echo "
        "failed > g");
    EXPECT_EQ(Reasons(recording.trace), "");
    EXPECT_EQ(recording.trace.backend, backend == Backend::kAuto ? "sud+ptrace" : "ptrace");
    EXPECT_EQ(recording.trace.stdout_bytes.find("OLDORNEW_"), std::string::npos)
        << recording.trace.stdout_bytes;
    EXPECT_EQ(recording.trace.stdout_bytes.find("liboldornew"), std::string::npos)
        << recording.trace.stdout_bytes;
    std::string text;
    for (const Op& op : recording.trace.ops) {
      if (op.kind != OpKind::kOutput)
        text += DescribeShort(op) + fmt::format(" {} {}\n", op.process, op.error);
    }
    seen.push_back(text);
  }

  EXPECT_EQ(seen[0], seen[1]);
}

TEST_P(RecordTest, RefusesWritesOutsideBeforeTheyHappen) {
  const std::string outside = dir_->path() + "/outside";
  ASSERT_OK(MakeDirectories(outside));
  const std::string target = outside + "/f";
  spec_.sandbox.visible = {outside};  // ours, so that nothing but the sandbox forbids it
  const Recording recording = MustRecord("echo x > " + target);
  EXPECT_FALSE(std::filesystem::exists(target));

  bool refused = false;
  for (const Obstacle& obstacle : recording.trace.obstacles) {
    refused = refused || (obstacle.kind == Obstacle::Kind::kRefused &&
                          obstacle.reason.find(target) != std::string::npos);
  }

  EXPECT_TRUE(refused) << Reasons(recording.trace);
}

TEST_P(RecordTest, RefusesToMoveAFileOfTheMachineIntoTheJudgedDirectory) {
  const std::string given = dir_->path() + "/given";
  ASSERT_OK(WriteFile(given, "new\n"));
  spec_.run.command = {"mv", given, "config"};
  auto recording = Record(spec_);
  ASSERT_OK(recording);
  EXPECT_TRUE(std::filesystem::exists(given));
  ASSERT_FALSE(recording->trace.obstacles.empty());
  EXPECT_EQ(recording->trace.obstacles[0].kind, Obstacle::Kind::kRefused);
  EXPECT_NE(Reasons(recording->trace).find(given), std::string::npos) << Reasons(recording->trace);
}

TEST_P(RecordTest, SaysThatATemporaryDirectoryIsPrivateWhenTheProgramFailsForIt) {
  const std::string target = dir_->path() + "/elsewhere/f";
  ASSERT_OK(MakeDirectories(dir_->path() + "/elsewhere"));
  spec_.run.command = {"cp", "config", target};
  auto recording = Record(spec_);
  ASSERT_OK(recording);
  EXPECT_FALSE(std::filesystem::exists(target));

  if (GetParam().isolation == Isolation::kNone) return;  // refused outright
  EXPECT_NE(Notes(recording->trace).find("--also-dir " + dir_->path() + "/elsewhere"),
            std::string::npos)
      << Notes(recording->trace);
}

TEST_P(RecordTest, SaysWhenOnlyTheHomeDirectoryWasChanged) {
  const std::string home = dir_->path() + "/home";
  ASSERT_OK(MakeDirectories(home));
  const std::string saved = EnvironmentVariable("HOME");
  setenv("HOME", home.c_str(), 1);
  const Recording only_home = MustRecord("echo x > ~/.gitconfig");
  const Recording both = MustRecord("echo x > ~/.viminfo; echo new > config");
  setenv("HOME", saved.c_str(), 1);
  if (!only_home.sandbox->home_is_thrown_away()) GTEST_SKIP() << "no overlay here";
  EXPECT_NE(Reasons(only_home.trace).find("~/.gitconfig"), std::string::npos)
      << Reasons(only_home.trace);
  EXPECT_NE(Reasons(only_home.trace).find("--also-dir"), std::string::npos);
  EXPECT_EQ(Reasons(both.trace), "");
  EXPECT_NE(Notes(both.trace).find("wrote ~/.viminfo, which is not judged"), std::string::npos)
      << Notes(both.trace);
  EXPECT_TRUE(std::filesystem::is_empty(home));
}

TEST_P(RecordTest, RecordsAgainInTheSameSandbox) {
  Recording recording = MustRecord("echo new > config");
  RunSpec run;
  run.command = {"/bin/sh", "-c", "cat config; echo newer > config"};
  auto next = RecordIn(*recording.sandbox, run);
  ASSERT_OK(next);
  EXPECT_EQ(next->stdout_bytes, "new\n");
  EXPECT_EQ(Reasons(*next), "");
  ASSERT_OK(recording.sandbox->Present(recording.trace.old_tree));
  auto again = RecordIn(*recording.sandbox, run);
  ASSERT_OK(again);
  EXPECT_EQ(again->stdout_bytes, "old\n");
  EXPECT_EQ(Reasons(*again), "");
}

TEST_P(RecordTest, JudgesTemporaryAndAlsoDirectories) {
  const std::string also = dir_->path() + "/also";
  ASSERT_OK(MakeDirectories(also));
  spec_.sandbox.also_directories = {also};
  const std::string there = GetParam().isolation == Isolation::kNone ? "$OLDPWD" : also;
  if (GetParam().isolation == Isolation::kNone) return;
  const Recording recording =
      MustRecord(fmt::format("echo t > ${{TMPDIR:-/tmp}}/t; cp ${{TMPDIR:-/tmp}}/t {}/t", there));
  EXPECT_EQ(Reasons(recording.trace), "");
  EXPECT_EQ(recording.trace.roots[1].path, also);
  EXPECT_EQ(
      recording.trace.new_tree.at(*recording.trace.new_tree.Lookup("t", 1)).content.ToString(),
      "t\n");
}

TEST_P(RecordTest, ReportsACommandThatCannotStartAsAUsageError) {
  spec_.run.command = {"no-such-command-anywhere"};
  auto recording = Record(spec_);
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().exit_code, ExitCode::kUsage);
}

class MoveTest : public RecordTest {
 protected:
  // A directory that is on the judged one's mount for the user, and private in the sandbox.
  std::string Beside() const {
    return GetParam().isolation == Isolation::kNone ? "$TMPDIR" : dir_->path();
  }
  // How many calls of this kind ended so.
  static int Count(const Trace& trace, OpKind kind, int error) {
    return static_cast<int>(std::count_if(trace.ops.begin(), trace.ops.end(), [&](const Op& op) {
      return op.kind == kind && op.error == error;
    }));
  }
};

INSTANTIATE_TEST_SUITE_P(Each, MoveTest, ::testing::ValuesIn(testing::kKinds),
                         [](const auto& test) { return test.param.name; });

TEST_P(MoveTest, RenamesAndLinksBetweenDirectoriesOfOneDevice) {
  const std::string script = fmt::format(
      "echo new > {0}/stage && mv {0}/stage config && mkdir {0}/d && echo x > {0}/d/x && mv {0}/d "
      ". && "
      "ln config {0}/second && cat {0}/second && mv d/x {0}/out/ 2>/dev/null; mkdir {0}/out && mv "
      "d/x "
      "{0}/out/",
      Beside());
  for (Backend backend : {Backend::kSud, Backend::kPtrace}) {
    spec_.run.backend = backend;
    const Recording recording = MustRecord(script);
    const Trace& trace = recording.trace;
    EXPECT_EQ(Reasons(trace), "");
    EXPECT_EQ(trace.exit_status, 0) << trace.stderr_bytes;
    EXPECT_EQ(Count(trace, OpKind::kRename, 0), 3);
    EXPECT_EQ(Count(trace, OpKind::kRename, EXDEV), 0);
    EXPECT_EQ(Count(trace, OpKind::kLink, 0), 1);
    EXPECT_EQ(trace.stdout_bytes, "new\n");
    EXPECT_EQ(trace.new_tree.at(*trace.new_tree.Lookup("config")).content.ToString(), "new\n");
    EXPECT_TRUE(trace.new_tree.Lookup("d"));
    EXPECT_FALSE(trace.new_tree.Lookup("d/x"));
  }
}

TEST_P(MoveTest, CopiesFromAnotherDevice) {
  if (GetParam().isolation == Isolation::kNone) return;  // one directory there for both
  spec_.sandbox.tmp_on_other_device = true;
  const Recording recording =
      MustRecord(fmt::format("echo new > {0}/stage && mv {0}/stage config; ls {0}", Beside()));
  EXPECT_EQ(Reasons(recording.trace), "");
  EXPECT_EQ(Count(recording.trace, OpKind::kRename, 0), 0);
  EXPECT_GT(Count(recording.trace, OpKind::kRename, EXDEV), 0);
  EXPECT_EQ(recording.trace.stdout_bytes, "judged\n");
  EXPECT_EQ(
      recording.trace.new_tree.at(*recording.trace.new_tree.Lookup("config")).content.ToString(),
      "new\n");
  EXPECT_NE(Notes(recording.trace).find("EXDEV"), std::string::npos);
}

TEST_P(MoveTest, LeavesDevicesApartThatAreApartForTheUser) {
  struct stat shm;
  struct stat judged;
  ASSERT_EQ(stat(judged_.c_str(), &judged), 0);
  if (GetParam().isolation == Isolation::kNone || stat("/dev/shm", &shm) != 0 ||
      shm.st_dev == judged.st_dev)
    return;
  const Recording recording = MustRecord("echo new > /dev/shm/stage && mv /dev/shm/stage config");
  EXPECT_EQ(Count(recording.trace, OpKind::kRename, 0), 0);
  EXPECT_GT(Count(recording.trace, OpKind::kRename, EXDEV), 0);
}

TEST_P(MoveTest, LetsAnInjectedErrorStand) {
  auto injection = ParseInjection("rename,renameat,renameat2:error=EXDEV");
  ASSERT_OK(injection);
  spec_.run.plan.injections = {*injection};
  const Recording recording =
      MustRecord(fmt::format("echo new > {0}/stage && mv {0}/stage config", Beside()));
  EXPECT_EQ(Count(recording.trace, OpKind::kRename, 0), 0);
  EXPECT_GT(Count(recording.trace, OpKind::kRename, EXDEV), 0);
}

}  // namespace
}  // namespace oldornew
