#include "hardened/write_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
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
using testing::UnorderedElementsAre;

Fd Open(const std::string& path, int flags = O_RDONLY | O_DIRECTORY) {
  return Fd(open(path.c_str(), flags | O_CLOEXEC));
}

/// A name as WriteFile makes them for its temporaries.
std::string TemporaryName() {
  std::string name;
  EXPECT_EQ(UniqueName(".aw-", &name), 0);
  return name;
}

TEST(WriteFile, ReplacesAndCreates) {
  TestDir dir;
  Fd fd = Open(dir.path());
  for (const std::string content : {"first", "", "second, longer", "x"}) {
    const UpdateResult result = WriteFile(fd.get(), "f", content);
    EXPECT_TRUE(result.ok()) << result.step;
    EXPECT_EQ(result.committed, Committed::kYes);
    EXPECT_EQ(dir.Get("f"), content);
    EXPECT_THAT(dir.Names(), ElementsAre("f"));
  }
}

TEST(WriteFile, SetsTheExactModeWhateverTheUmaskIs) {
  for (mode_t mask : {0000, 0022, 0077, 0777}) {
    for (mode_t mode : {0600, 0644, 0666, 0755, 0000}) {
      TestDir dir;
      ScopedUmask scoped(mask);
      ASSERT_TRUE(WriteFile(Open(dir.path()).get(), "f", "new", {.mode = mode}).ok());
      EXPECT_EQ(dir.Mode("f"), mode);
    }
  }
}

TEST(WriteFile, AcceptsEveryLengthOfNameThatTheFileSystemAccepts) {
  TestDir dir;
  Fd fd = Open(dir.path());
  for (size_t length = 1; length <= 256; ++length) {
    const UpdateResult result = WriteFile(fd.get(), std::string(length, 'n'), "new");
    EXPECT_EQ(result.ok(), length <= 255) << length;
    if (length > 255) {
      EXPECT_EQ(result.error, ENAMETOOLONG);
    }
  }
}

TEST(WriteFile, RefusesNamesThatAreNotOneComponent) {
  TestDir dir;
  Fd fd = Open(dir.path());
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("/"),
        std::string("a\0b", 3), std::string(".aw-mine")}) {
    const UpdateResult result = WriteFile(fd.get(), name, "new");
    EXPECT_EQ(result.error, EINVAL) << name;
    EXPECT_EQ(result.committed, Committed::kNo);
  }
  EXPECT_THAT(dir.Names(), IsEmpty());
}

TEST(WriteFile, RefusesADirectoryDescriptorThatCannotBeSynced) {
  TestDir dir;
  dir.Put("file", "");
  EXPECT_EQ(WriteFile(Open(dir.path(), O_PATH | O_DIRECTORY).get(), "f", "new").error, EBADF);
  EXPECT_EQ(WriteFile(Open(dir / "file", O_RDONLY).get(), "f", "new").error, ENOTDIR);
  EXPECT_EQ(WriteFile(-1, "f", "new").error, EBADF);
  EXPECT_THAT(dir.Names(), ElementsAre("file"));
}

TEST(WriteFile, RefusesADirectoryAndASymlinkAtTheTarget) {
  TestDir dir;
  Fd fd = Open(dir.path());
  dir.MakeDir("d");
  dir.Put("real", "old");
  dir.MakeLink("real", "link");
  EXPECT_EQ(WriteFile(fd.get(), "d", "new").error, EISDIR);
  EXPECT_EQ(WriteFile(fd.get(), "link", "new").error, ELOOP);
  EXPECT_EQ(dir.Get("real"), "old");
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("d", "real", "link"));
}

TEST(WriteFile, CreateOnlyNeverReplaces) {
  TestDir dir;
  Fd fd = Open(dir.path());
  EXPECT_TRUE(WriteFile(fd.get(), "f", "first", {.create_only = true}).ok());
  EXPECT_EQ(WriteFile(fd.get(), "f", "second", {.create_only = true}).error, EEXIST);
  dir.MakeLink("nowhere", "dangling");
  EXPECT_EQ(WriteFile(fd.get(), "dangling", "second", {.create_only = true}).error, EEXIST);
  EXPECT_EQ(dir.Get("f"), "first");
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("f", "dangling"));
}

TEST(WriteFile, KeepsModeOwnerAndAttributesWhenAsked) {
  TestDir dir;
  Fd fd = Open(dir.path());
  dir.Put("f", "old", 0640);
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(chown((dir / "f").c_str(), 12, 34), 0);
  }
  const bool xattrs = setxattr((dir / "f").c_str(), "user.note", "kept", 4, 0) == 0;
  ASSERT_TRUE(WriteFile(fd.get(), "f", "new", {.mode = 0777, .keep_attributes = true}).ok());
  EXPECT_EQ(dir.Get("f"), "new");
  EXPECT_EQ(dir.Mode("f"), 0640);
  struct stat info;
  ASSERT_EQ(stat((dir / "f").c_str(), &info), 0);
  if (root) {
    EXPECT_EQ(info.st_uid, 12u);
    EXPECT_EQ(info.st_gid, 34u);
  }
  if (xattrs) {
    char value[8];
    ASSERT_EQ(getxattr((dir / "f").c_str(), "user.note", value, sizeof(value)), 4);
    EXPECT_EQ(std::string(value, 4), "kept");
  }
}

TEST(WriteFile, LeavesNothingAndTheOldContentWhenAnyWriteFails) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const std::string content = "twenty bytes of data";
  for (size_t size = 0; size <= content.size(); ++size) {
    TestDir dir;
    dir.Put("f", "old");
    rlimit limit = before;
    limit.rlim_cur = size;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const UpdateResult result = WriteFile(Open(dir.path()).get(), "f", content);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(result.ok(), size == content.size()) << size;
    EXPECT_EQ(dir.Get("f"), result.ok() ? content : "old");
    EXPECT_THAT(dir.Names(), ElementsAre("f"));
  }
  std::signal(SIGXFSZ, handler);
}

TEST(WriteFile, IgnoresWhatLiesAtAPredictableTemporaryName) {
  TestDir dir;
  dir.Put(".tmp-f", "mine");
  dir.Put("f.tmp", "mine");
  ASSERT_TRUE(WriteFile(Open(dir.path()).get(), "f", "new").ok());
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("f", ".tmp-f", "f.tmp"));
}

TEST(WriteFile, FollowsARenamedDirectory) {
  TestDir dir;
  dir.MakeDir("a");
  Fd fd = Open(dir / "a");
  std::filesystem::rename(dir / "a", dir / "b");
  dir.MakeDir("a");
  ASSERT_TRUE(WriteFile(fd.get(), "f", "new").ok());
  EXPECT_EQ(dir.Get("b/f"), "new");
  EXPECT_THAT(dir.Names("a"), IsEmpty());
}

TEST(WriteFile, ConcurrentWritersAllSucceedAndEveryReaderSeesOneWholeVersion) {
  TestDir dir;
  dir.Put("f", std::string(3, '0'));
  constexpr int kWriters = 3;
  constexpr int kRounds = 20;
  std::atomic<int> running = kWriters;
  std::atomic<int> failures = 0;
  std::vector<std::thread> writers;
  for (int writer = 1; writer <= kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      Fd fd = Open(dir.path());
      const std::string content(static_cast<size_t>(writer) * 30000,
                                static_cast<char>('0' + writer));
      for (int round = 0; round < kRounds; ++round)
        failures += !WriteFile(fd.get(), "f", content).ok();
      --running;
    });
  }
  int torn = 0;
  do {
    const std::string seen = dir.Get("f");
    const size_t kind = seen.empty() ? 0 : static_cast<size_t>(seen[0] - '0');
    torn += seen != std::string(kind == 0 ? 3 : kind * 30000, static_cast<char>('0' + kind));
  } while (running > 0);
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(failures, 0);
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

TEST(CollectStaleTemporaries, RemovesWhatAKilledWriterLeftAndNothingElse) {
  TestDir dir;
  Fd fd = Open(dir.path());
  const std::string stale = TemporaryName();
  const std::string locked = TemporaryName();
  const std::string linked = TemporaryName();
  const std::string link = TemporaryName();
  for (const std::string& name : {stale, locked, linked}) dir.Put(name, "secret", 0600);
  dir.MakeLink("f", link);
  dir.Put("f", "mine");
  dir.Put(".aw-short", "mine");
  std::filesystem::create_hard_link(dir / linked, dir / "other");
  Fd writer = Open(dir / locked, O_RDONLY);
  ASSERT_EQ(flock(writer.get(), LOCK_EX), 0);

  EXPECT_EQ(CollectStaleTemporaries(fd.get(), 3600).removed, 0);
  const Collected collected = CollectStaleTemporaries(fd.get(), 0);
  EXPECT_EQ(collected.removed, 1);
  EXPECT_EQ(collected.error, 0);
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("f", ".aw-short", "other", locked, linked, link));
}

}  // namespace
}  // namespace oldornew::hardened
