#include "run/memory.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "run/record.h"
#include "run/sandbox.h"
#include "run/test_support.h"

namespace oldornew {
using testing::Fingerprint;
using testing::Shell;
namespace {

constexpr uint64_t kPage = 4096;
constexpr uid_t kNobody = 65534;

class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("memory-test-");
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    judged_ = dir_->path() + "/judged";
    ASSERT_OK(MakeDirectories(judged_ + "/sub"));
    ASSERT_OK(WriteFile(judged_ + "/config", "old\n"));
    spec_.directory = judged_;
    spec_.in_memory = true;
  }

  void Make() {
    KeepVisible({"sh", "-c", ""}, &spec_);  // the recorder's library, wherever it was built
    auto sandbox = Sandbox::Create(spec_);
    if (!sandbox && sandbox.error().exit_code == ExitCode::kCannotJudge)
      GTEST_SKIP() << sandbox.error().message;
    ASSERT_OK(sandbox);
    sandbox_ = std::make_unique<Sandbox>(std::move(*sandbox));
  }

  Result<CapturedTree> CaptureAll() const {
    std::vector<std::string> paths;
    for (const SandboxRoot& root : sandbox_->roots()) paths.push_back(root.disk_path);
    return Capture(paths);
  }

  void LimitPages(uint64_t pages) {
    ASSERT_OK(sandbox_->LimitSpace(RootRole::kJudged, {.free_bytes = pages * kPage}));
  }

  // What write(2) gives for that many bytes to a new file: a count, or a negative errno.
  ssize_t WriteNew(const std::string& name, size_t bytes) const {
    const UniqueFd fd(
        open((sandbox_->judged_path() + "/" + name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    if (!fd.valid()) return -errno;
    const std::string text(bytes, 'x');
    const ssize_t put = write(fd.get(), text.data(), text.size());
    return put < 0 ? -errno : put;
  }
  void Unlink(const std::string& name) const {
    ASSERT_EQ(unlink((sandbox_->judged_path() + "/" + name).c_str()), 0);
  }

  std::unique_ptr<TempDir> dir_;
  std::string judged_;
  SandboxSpec spec_;
  std::unique_ptr<Sandbox> sandbox_;
};

TEST_F(MemoryTest, WritesWhatThereIsRoomForAndNoMore) {
  Make();
  if (IsSkipped()) return;
  const Space before = *sandbox_->SpaceUsed(RootRole::kJudged);
  for (uint64_t room = 0; room < 5; ++room) {
    for (uint64_t wanted = 1; wanted < 6; ++wanted) {
      LimitPages(room);
      const ssize_t got = WriteNew("f", wanted * kPage - 1);
      if (room == 0) {
        EXPECT_EQ(got, -ENOSPC);
      } else if (room < wanted) {
        EXPECT_EQ(got, static_cast<ssize_t>(room * kPage)) << room << " pages for " << wanted;
      } else {
        EXPECT_EQ(got, static_cast<ssize_t>(wanted * kPage - 1));
      }
      Unlink("f");
    }
  }

  EXPECT_EQ(sandbox_->SpaceUsed(RootRole::kJudged)->bytes, before.bytes);
  EXPECT_EQ(sandbox_->SpaceUsed(RootRole::kJudged)->inodes, before.inodes);
}

TEST_F(MemoryTest, GivesRoomBackAtUnlinkAndTruncation) {
  Make();
  if (IsSkipped()) return;
  LimitPages(2);
  EXPECT_EQ(WriteNew("a", 3 * kPage), static_cast<ssize_t>(2 * kPage));
  EXPECT_EQ(WriteNew("b", 1), -ENOSPC);

  Unlink("a");
  EXPECT_EQ(WriteNew("b", 2 * kPage), static_cast<ssize_t>(2 * kPage));
  ASSERT_EQ(truncate((sandbox_->judged_path() + "/b").c_str(), kPage), 0);
  EXPECT_EQ(WriteNew("c", 2 * kPage), static_cast<ssize_t>(kPage));
  ASSERT_OK(sandbox_->LimitSpace(RootRole::kJudged, {}));
  EXPECT_EQ(WriteNew("d", 64 * kPage), static_cast<ssize_t>(64 * kPage));
}

TEST_F(MemoryTest, RefusesNewFilesWithoutInodes) {
  Make();
  if (IsSkipped()) return;
  for (uint64_t room = 0; room < 4; ++room) {
    ASSERT_OK(sandbox_->LimitSpace(RootRole::kJudged, {.free_inodes = room}));
    for (uint64_t i = 0; i < room; ++i) EXPECT_EQ(WriteNew(fmt::format("f{}", i), 1), 1);
    EXPECT_EQ(WriteNew("over", 1), -ENOSPC) << room;
    const std::string over = sandbox_->judged_path() + "/over";
    EXPECT_EQ(mkdir(over.c_str(), 0755), -1);
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(WriteNew("config", 3 * kPage), static_cast<ssize_t>(3 * kPage))
        << "an old file has its inode";
    for (uint64_t i = 0; i < room; ++i) Unlink(fmt::format("f{}", i));
  }
}

TEST_F(MemoryTest, ShowsAProgramTheFullDisk) {
  Make();
  if (IsSkipped()) return;
  LimitPages(2);
  RunSpec run;
  run.command = {"dd", "if=/dev/zero", "of=new", "bs=12288", "count=1"};
  auto trace = RecordIn(*sandbox_, run);
  ASSERT_OK(trace);
  EXPECT_TRUE(trace->obstacles.empty()) << trace->obstacles[0].reason;
  EXPECT_NE(trace->exit_status, 0);
  EXPECT_NE(trace->stderr_bytes.find("No space left"), std::string::npos) << trace->stderr_bytes;

  std::vector<std::pair<int, uint64_t>> writes;
  for (const Op& op : trace->ops) {
    if (op.kind == OpKind::kWrite && op.path == "new") writes.emplace_back(op.error, op.length);
  }

  ASSERT_EQ(writes.size(), 2u);
  EXPECT_EQ(writes[0], std::make_pair(0, 2 * kPage));
  EXPECT_EQ(writes[1].first, ENOSPC);
  EXPECT_EQ(sandbox_->file_system(), "tmpfs");
}

TEST_F(MemoryTest, LimitsTemporaryDirectoriesTogetherWithTheJudgedOneOfTheirDevice) {
  Make();
  if (IsSkipped()) return;
  // The judged directory lies in a temporary one.
  ASSERT_OK(sandbox_->LimitSpace(RootRole::kJudged, {.free_bytes = kPage}));
  const RunResult result = Shell(
      *sandbox_, fmt::format("head -c 9000 /dev/zero > {0}/t; stat -c %s {0}/t", dir_->path()));
  EXPECT_EQ(result.stdout_bytes, "4096\n") << result.stderr_bytes;
}

TEST_F(MemoryTest, LimitsTheTemporaryDirectoriesApart) {
  spec_.tmp_on_other_device = true;
  Make();
  if (IsSkipped()) return;
  ASSERT_OK(sandbox_->LimitSpace(RootRole::kTemporary, {.free_bytes = kPage}));
  size_t temporary = 0;
  while (sandbox_->roots()[temporary].role != RootRole::kTemporary) ++temporary;
  const std::string there = sandbox_->roots()[temporary].seen_path + "/t";
  const RunResult result = Shell(
      *sandbox_,
      fmt::format("head -c 9000 /dev/zero > {0}; head -c 9000 /dev/zero > f; stat -c %s {0} f",
                  there));
  EXPECT_EQ(result.stdout_bytes, "4096\n9000\n") << result.stderr_bytes;
}

TEST_F(MemoryTest, LiftsLimitsWithTheNextState) {
  Make();
  if (IsSkipped()) return;
  const auto old = CaptureAll();
  ASSERT_OK(old);
  for (const char* script : {"true", "touch ~/x"}) {  // with the same view, and with a new one
    Shell(*sandbox_, script);
    LimitPages(0);
    EXPECT_EQ(WriteNew("f", 1), -ENOSPC);
    ASSERT_OK(sandbox_->Present(old->tree));
    EXPECT_EQ(WriteNew("f", 64 * kPage), static_cast<ssize_t>(64 * kPage));
    EXPECT_EQ(Shell(*sandbox_, "cat config && rm f").exit_status, 0);
  }
}

TEST_F(MemoryTest, SaysWhatIsNotToBeHadOnDisk) {
  spec_.in_memory = false;
  Make();
  EXPECT_FALSE(sandbox_->LimitSpace(RootRole::kJudged, {}));
  EXPECT_FALSE(sandbox_->SpaceUsed(RootRole::kJudged));

  spec_.in_memory = true;
  spec_.at_most = Isolation::kNone;
  auto refused = Sandbox::Create(spec_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code, ExitCode::kCannotJudge);
  EXPECT_NE(refused.error().message.find("in memory"), std::string::npos)
      << refused.error().message;
}

TEST_F(MemoryTest, BeginsEmptyWhenAsked) {
  spec_.start_empty = true;
  Make();
  if (IsSkipped()) return;
  EXPECT_EQ(Shell(*sandbox_, "ls -A; pwd").stdout_bytes, judged_ + "\n");
}

TEST_F(MemoryTest, HoldsAStateExactly) {
  const std::string f = judged_ + "/config";
  ASSERT_EQ(chmod(f.c_str(), 04751), 0);
  ASSERT_EQ(link(f.c_str(), (judged_ + "/sub/again").c_str()), 0);
  ASSERT_EQ(symlink("config", (judged_ + "/short").c_str()), 0);
  ASSERT_EQ(symlink(std::string(3000, 'l').c_str(), (judged_ + "/long").c_str()), 0);
  ASSERT_EQ(mkfifo((judged_ + "/fifo").c_str(), 0620), 0);
  ASSERT_EQ(chmod((judged_ + "/sub").c_str(), 02711), 0);
  const bool xattrs = setxattr(f.c_str(), "user.note", "value", 5, 0) == 0;
  if (geteuid() == 0) {
    ASSERT_EQ(lchown((judged_ + "/short").c_str(), 4321, 1234), 0);
  }

  const auto before = Fingerprint(judged_);
  const auto original = Capture({judged_});
  ASSERT_OK(original);
  Make();
  if (IsSkipped()) return;
  auto copy = Capture({sandbox_->judged_path()});
  ASSERT_OK(copy);
  if (xattrs && !copy->tree.at(*copy->tree.Lookup("config")).xattrs.contains("user.note"))
    GTEST_SKIP() << "this kernel's tmpfs has no user xattrs";
  EXPECT_EQ(copy->tree.RootDigest(true), original->tree.RootDigest(true));

  for (const char* script : {"rm -r *", "rm -r * && touch ~/x"}) {
    EXPECT_EQ(Shell(*sandbox_, script).exit_status, 0);
    ASSERT_OK(sandbox_->Present(original->tree));
    copy = Capture({sandbox_->judged_path()});
    ASSERT_OK(copy);
    EXPECT_EQ(copy->tree.RootDigest(true), original->tree.RootDigest(true));
    EXPECT_EQ(copy->tree.Lookup("config"), copy->tree.Lookup("sub/again"));
    EXPECT_EQ(Shell(*sandbox_, "stat -c %h config").stdout_bytes, "2\n");
  }

  EXPECT_EQ(Fingerprint(judged_), before);
}

TEST_F(MemoryTest, NeedsNoRights) {
  if (geteuid() != 0) GTEST_SKIP() << "all the other tests here are run without rights as it is";
  ASSERT_EQ(chown(dir_->path().c_str(), kNobody, kNobody), 0);
  for (const char* path : {"", "/sub", "/config"})
    ASSERT_EQ(chown((judged_ + path).c_str(), kNobody, kNobody), 0);
  const auto before = Fingerprint(judged_);
  enum { kDone, kFailed, kNotToBeHad };
  const pid_t child = fork();
  if (child == 0) {
    if (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0)
      _exit(kFailed);
    prctl(PR_SET_DUMPABLE, 1);  // or /proc/self would stay root's
    setenv("HOME", "/nonexistent", 1);
    Make();
    if (IsSkipped()) _exit(kNotToBeHad);
    LimitPages(2);
    const ssize_t full = WriteNew("f", 3 * kPage);
    const RunResult run =
        Shell(*sandbox_, "head -c 1 /dev/zero > g; rm f; echo x > config; echo y > g && id -u");
    auto old = Capture({judged_});
    const bool presented = old && sandbox_->Present(old->tree);
    auto now = Capture({sandbox_->judged_path()});
    const bool done = full == static_cast<ssize_t>(2 * kPage) &&
                      run.stdout_bytes == fmt::format("{}\n", kNobody) && presented && now &&
                      now->tree.RootDigest(true) == old->tree.RootDigest(true);
    sandbox_.reset();
    _exit(done && !HasFailure() ? kDone : kFailed);
  }

  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(Fingerprint(judged_), before);

  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotToBeHad) GTEST_SKIP() << "no user namespace";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace oldornew
