#include "write_file_atomic.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "test_dir.h"

namespace oldornew::targets {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

TEST(WriteFileAtomic, ReplacesTheOldContentAndLeavesNothingBehind) {
  TestDir dir;
  dir.Put("f", "old");
  ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "new", 0600));
  EXPECT_EQ(dir.Get("f"), "new");
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

TEST(WriteFileAtomic, CreatesTheFileWithPermLessUmask) {
  for (mode_t mask : {000, 022, 077}) {
    TestDir dir;
    ScopedUmask scoped(mask);
    ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "", 0666));
    EXPECT_EQ(dir.Mode("f"), 0666 & ~mask);
    EXPECT_EQ(dir.Get("f"), "");
  }
}

TEST(WriteFileAtomic, FailsInAMissingDirectoryWithoutCreatingAnything) {
  TestDir dir;
  GoStatus status = WriteFileAtomic(dir / "missing", "f", "new", 0600);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().number, ENOENT);
  EXPECT_THAT(dir.Names(), ElementsAre());
}

TEST(WriteFileAtomic, RemovesTheTemporaryAndKeepsTheOldContentWhenTheWriteFails) {
  TestDir dir;
  dir.Put("f", "old");
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = 5;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  GoStatus status = WriteFileAtomic(dir.path(), "f", "longer than the limit", 0600);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().operation, "write");
  EXPECT_EQ(status.error().number, EFBIG);
  EXPECT_EQ(dir.Get("f"), "old");
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

// The flaws that need neither a crash nor a second writer: a port without them would not be the
// document's algorithm.

TEST(WriteFileAtomicFlaws, W5ADirectoryAtTheTemporaryNameIsAWedge) {
  TestDir dir;
  dir.MakeDir(".tmp-f");
  dir.Put(".tmp-f/x", "");
  for (int run = 0; run < 3; ++run) {
    GoStatus status = WriteFileAtomic(dir.path(), "f", "new", 0600);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().number, EISDIR);
  }
}

TEST(WriteFileAtomicFlaws, W5ASymlinkAtTheTemporaryNameIsFollowedAndPublished) {
  TestDir dir;
  dir.Put("victim", "precious");
  dir.MakeLink("victim", ".tmp-f");
  ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "new", 0600));
  EXPECT_EQ(dir.Get("victim"), "new");
  EXPECT_TRUE(dir.IsLink("f"));
}

TEST(WriteFileAtomicFlaws, W5AStaleTemporaryKeepsItsMode) {
  TestDir dir;
  dir.Put(".tmp-f", "stale and long", 0600);
  ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "new", 0644));
  EXPECT_EQ(dir.Mode("f"), 0600);
  EXPECT_EQ(dir.Get("f"), "new");
}

TEST(WriteFileAtomicFlaws, W6EveryNameOfMoreThan250BytesIsRefused) {
  TestDir dir;
  for (size_t length = 245; length <= 255; ++length) {
    GoStatus status = WriteFileAtomic(dir.path(), std::string(length, 'n'), "new", 0600);
    EXPECT_EQ(status.has_value(), length <= 250) << length;
    if (!status) {
      EXPECT_EQ(status.error().number, ENAMETOOLONG);
    }
  }
}

TEST(WriteFileAtomicFlaws, W6AUsersOwnFileOfTheTemporaryNameIsLost) {
  TestDir dir;
  dir.Put(".tmp-f", "mine");
  ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "new", 0600));
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

TEST(WriteFileAtomicFlaws, W7ASymlinkAtTheTargetIsReplaced) {
  TestDir dir;
  dir.Put("real", "old");
  dir.MakeLink("real", "f");
  ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "new", 0600));
  EXPECT_FALSE(dir.IsLink("f"));
  EXPECT_EQ(dir.Get("real"), "old");
}

TEST(WriteFileAtomicFlaws, W8ADirectoryAtTheTargetIsAnErrorThatLeavesNoTemporary) {
  TestDir dir;
  dir.MakeDir("f");
  GoStatus status = WriteFileAtomic(dir.path(), "f", "new", 0600);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().operation, "rename");
  EXPECT_EQ(status.error().number, EEXIST);
  EXPECT_THAT(dir.Names(), ElementsAre("f"));
}

TEST(WriteFileAtomicFlaws, W12HardLinksOfTheTargetAreCut) {
  TestDir dir;
  dir.Put("f", "old");
  std::filesystem::create_hard_link(dir / "f", dir / "g");
  ASSERT_TRUE(WriteFileAtomic(dir.path(), "f", "new", 0600));
  EXPECT_EQ(dir.Get("g"), "old");
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("f", "g"));
}

}  // namespace
}  // namespace oldornew::targets
