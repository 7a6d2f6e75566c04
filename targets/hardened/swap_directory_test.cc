#include "hardened/swap_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "hardened/steps.h"
#include "test_dir.h"

namespace oldornew::hardened {
namespace {

using targets::ScopedUmask;
using targets::TestDir;
using testing::ElementsAre;
using testing::IsEmpty;

Fd Open(const std::string& path, int flags = O_RDONLY | O_DIRECTORY) {
  return Fd(open(path.c_str(), flags | O_CLOEXEC));
}

int Put(int dir, const std::string& name, const std::string& content) {
  Fd fd(openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  return fd.valid() ? WriteAll(fd.get(), content) : errno;
}

Populate Key(const std::string& content) {
  return [content](int dir) { return Put(dir, "k", content); };
}

class SwapDirectoryTest : public testing::TestWithParam<SwapForm> {
 protected:
  SwapResult Swap(const std::string& name, const Populate& populate, bool keep_previous = false,
                  mode_t mode = 0755) {
    return SwapDirectory(Open(dir_.path()).get(), name, populate,
                         {.form = GetParam(), .mode = mode, .keep_previous = keep_previous});
  }
  /// How many names a clean parent has for one swapped directory.
  size_t CleanSize() const { return GetParam() == SwapForm::kSymlink ? 2 : 1; }

  TestDir dir_;
};

INSTANTIATE_TEST_SUITE_P(Forms, SwapDirectoryTest,
                         testing::Values(SwapForm::kSymlink, SwapForm::kExchange),
                         [](const auto& form) {
                           return form.param == SwapForm::kSymlink ? "Symlink" : "Exchange";
                         });

TEST_P(SwapDirectoryTest, CreatesThenReplacesAndRemovesTheOldTree) {
  for (const std::string content : {"1", "2", "3"}) {
    const SwapResult result = Swap("s", Key(content));
    ASSERT_TRUE(result.ok()) << result.step << " " << result.error;
    EXPECT_EQ(result.committed, Committed::kYes);
    EXPECT_TRUE(result.old_removed);
    EXPECT_EQ(dir_.Get("s/k"), content);
    EXPECT_EQ(dir_.Names().size(), CleanSize());
    EXPECT_EQ(dir_.IsLink("s"), GetParam() == SwapForm::kSymlink);
  }
}

TEST_P(SwapDirectoryTest, WorksThroughAnyWorkingDirectory) {
  dir_.MakeDir("foo");
  targets::ScopedWorkingDirectory cwd(dir_.path());
  ASSERT_TRUE(SwapDirectory(Open("foo").get(), "s", Key("1"), {.form = GetParam()}).ok());
  EXPECT_EQ(dir_.Get("foo/s/k"), "1");
}

TEST_P(SwapDirectoryTest, PublishesTheAskedModeWhateverTheUmaskIs) {
  ScopedUmask scoped(0077);
  ASSERT_TRUE(Swap("s", Key("1"), false, 0750).ok());
  struct stat info;
  ASSERT_EQ(stat((dir_ / "s").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0750u);
}

TEST_P(SwapDirectoryTest, ChangesNothingWhenPopulateFails) {
  ASSERT_TRUE(Swap("s", Key("1")).ok());
  const SwapResult result = Swap("s", [](int dir) {
    EXPECT_EQ(Put(dir, "k", "half"), 0);
    return ENOSPC;
  });
  EXPECT_EQ(result.committed, Committed::kNo);
  EXPECT_EQ(result.error, ENOSPC);
  EXPECT_EQ(std::string(result.step), "populate");
  EXPECT_EQ(dir_.Get("s/k"), "1");
  EXPECT_EQ(dir_.Names().size(), CleanSize());
}

TEST_P(SwapDirectoryTest, RefusesATreeWithWhatCannotBeSynced) {
  const SwapResult result =
      Swap("s", [](int dir) { return mkfifoat(dir, "pipe", 0600) == 0 ? 0 : errno; });
  EXPECT_EQ(result.error, EINVAL);
  EXPECT_THAT(dir_.Names(), IsEmpty());
}

TEST_P(SwapDirectoryTest, RemovesOldTreesOfAnyDepthWithoutFollowingLinksOrNeedingRights) {
  TestDir elsewhere;
  elsewhere.Put("precious", "x");
  ASSERT_TRUE(Swap("s", [&](int dir) {
                return mkdirat(dir, "a", 0755) != 0 || mkdirat(dir, "a/b", 0755) != 0 ||
                               Put(dir, "a/b/f", "x") != 0 ||
                               symlinkat(elsewhere.path().c_str(), dir, "a/out") != 0 ||
                               fchmodat(dir, "a/b", 0555, 0) != 0
                           ? EIO
                           : 0;
              }).ok());
  const SwapResult result = Swap("s", Key("2"));
  EXPECT_TRUE(result.ok());
  EXPECT_TRUE(result.old_removed);
  EXPECT_EQ(dir_.Names().size(), CleanSize());
  EXPECT_THAT(elsewhere.Names(), ElementsAre("precious"));
}

TEST_P(SwapDirectoryTest, KeepsTheOldTreeForItsReadersUntilTheNextSwap) {
  ASSERT_TRUE(Swap("s", Key("1")).ok());
  Fd reader = Open(dir_ / "s");
  const SwapResult second = Swap("s", Key("2"), true);
  ASSERT_TRUE(second.ok());
  EXPECT_FALSE(second.old_removed);
  EXPECT_TRUE(Fd(openat(reader.get(), "k", O_RDONLY | O_CLOEXEC)).valid());
  EXPECT_EQ(dir_.Names().size(), CleanSize() + 1);
  ASSERT_TRUE(Swap("s", Key("3")).ok());
  EXPECT_FALSE(Fd(openat(reader.get(), "k", O_RDONLY | O_CLOEXEC)).valid());
  EXPECT_EQ(dir_.Names().size(), CleanSize());
}

TEST_P(SwapDirectoryTest, RecoversFromWhatAKilledWriterLeft) {
  ASSERT_TRUE(Swap("s", Key("1")).ok());
  // The pattern of this name, seen while a swap is at work; what it left behind is imitated with a
  // digit changed.
  std::string staging;
  ASSERT_TRUE(Swap("s", [&](int dir) {
                for (const std::string& name : dir_.Names()) {
                  if (name.starts_with(".sw-") && dir_.Names(name).empty()) staging = name;
                }
                return Put(dir, "k", "2");
              }).ok());
  ASSERT_FALSE(staging.empty());
  std::string stale = staging;
  stale.back() = stale.back() == '0' ? '1' : '0';
  std::string link = stale;
  link.back() = staging.back() == 'f' ? 'e' : 'f';
  dir_.MakeDir(stale);
  dir_.Put(stale + "/k", "half");
  dir_.MakeLink(stale, link);
  ASSERT_TRUE(Swap("s", Key("3")).ok());
  EXPECT_EQ(dir_.Get("s/k"), "3");
  EXPECT_EQ(dir_.Names().size(), CleanSize());
}

TEST_P(SwapDirectoryTest, LeavesOtherNamesInTheSameParentAlone) {
  for (const std::string name : {"s", "t", "u"}) ASSERT_TRUE(Swap(name, Key(name)).ok());
  for (const std::string name : {"s", "t", "u"}) ASSERT_TRUE(Swap(name, Key(name + name)).ok());
  for (const std::string name : {"s", "t", "u"}) EXPECT_EQ(dir_.Get(name + "/k"), name + name);
  EXPECT_EQ(dir_.Names().size(), 3 * CleanSize());
}

TEST_P(SwapDirectoryTest, RefusesForeignThingsAtTheName) {
  dir_.MakeDir("precious");
  dir_.Put("precious/x", "irreplaceable");
  dir_.MakeLink(dir_ / "precious", "link");
  dir_.Put("file", "mine");
  EXPECT_EQ(Swap("link", Key("1")).committed, Committed::kNo);
  EXPECT_EQ(Swap("file", Key("1")).committed, Committed::kNo);
  EXPECT_EQ(dir_.Get("link/x"), "irreplaceable");
  EXPECT_EQ(dir_.Names().size(), 3u);
}

TEST_P(SwapDirectoryTest, RefusesNamesThatAreNotOneComponent) {
  for (const std::string name : {"", ".", "..", "a/b", "s/", ".sw-x"})
    EXPECT_EQ(Swap(name, Key("1")).error, EINVAL) << name;
  EXPECT_EQ(Swap(std::string(256, 'n'), Key("1")).error, ENAMETOOLONG);
  EXPECT_TRUE(Swap(std::string(255, 'n'), Key("1")).ok());
}

TEST_P(SwapDirectoryTest, ConcurrentSwapsAllSucceedAndReadersThatReopenSeeOneGeneration) {
  constexpr int kWriters = 2;
  constexpr int kRounds = 15;
  ASSERT_TRUE(Swap("s", [](int dir) { return Put(dir, "a", "0") | Put(dir, "b", "0"); }).ok());
  std::atomic<int> running = kWriters;
  std::atomic<int> failures = 0;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int round = 0; round < kRounds; ++round) {
        const std::string content = std::to_string(writer) + "." + std::to_string(round);
        failures += !Swap("s", [&](int dir) {
                       return Put(dir, "a", content) | Put(dir, "b", content);
                     }).ok();
      }
      --running;
    });
  }
  int mixed = 0;
  const auto read_at = [](int dir, const char* name) -> std::string {
    char buffer[32];
    Fd fd(openat(dir, name, O_RDONLY | O_CLOEXEC));
    const ssize_t count = fd.valid() ? read(fd.get(), buffer, sizeof(buffer)) : -1;
    return count < 0 ? "" : std::string(buffer, static_cast<size_t>(count));
  };
  do {
    Fd directory = Open(dir_ / "s");
    const std::string a = read_at(directory.get(), "a");
    const std::string b = read_at(directory.get(), "b");
    mixed += !a.empty() && !b.empty() && a != b;
  } while (running > 0);
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(mixed, 0);
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(dir_.Names().size(), CleanSize());
}

}  // namespace
}  // namespace oldornew::hardened
