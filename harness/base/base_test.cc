#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/files.h"
#include "base/result.h"
#include "base/text.h"

namespace oldornew {
namespace {

TEST(Text, QuoteEscapesWhatATerminalWouldNotShow) {
  EXPECT_EQ(Quote("a\n\"\\\x01é"), "\"a\\n\\\"\\\\\\x01é\"");
  EXPECT_EQ(Quote("abcdef", 3), "\"abc\"…");
  EXPECT_EQ(Quote("\xff\xc3"), "\"\\xff\\xc3\"");
}

TEST(Text, ShellQuoteGivesWordsThatAShellReadsBack) {
  EXPECT_EQ(ShellQuote(std::vector<std::string>{"sed", "-i", "s/a b/'c'/", ""}),
            "sed -i 's/a b/'\\''c'\\''/' ''");
}

TEST(Text, WrapBreaksAtSpacesAndCountsCodePoints) {
  EXPECT_EQ(Wrap("aa bb cc", 5, ""), "aa bb\ncc");
  EXPECT_EQ(Wrap("éé éé é", 5, "  "), "éé éé\n  é");
  EXPECT_EQ(Wrap("longer-than-wide x", 4, ""), "longer-than-wide\nx");
  EXPECT_EQ(Wrap("", 4, ""), "");
}

TEST(Text, GlobMatchesTheWholePathOrTheLastComponent) {
  EXPECT_TRUE(GlobMatches("*-shm", "db/x.db-shm"));
  EXPECT_TRUE(GlobMatches("db/*", "db/x"));
  EXPECT_FALSE(GlobMatches("*.tmp", "a.tmp/b"));
}

TEST(Text, BaseNameIsWhatFollowsTheLastSlash) {
  EXPECT_EQ(BaseName("/usr/bin/sed"), "sed");
  EXPECT_EQ(BaseName("sed"), "sed");
  EXPECT_EQ(BaseName("/sed"), "sed");
  EXPECT_EQ(BaseName("dir/"), "");
  EXPECT_EQ(BaseName(""), "");
}

TEST(Errno, NamesAreThoseOfTheManPages) {
  EXPECT_EQ(ErrnoText(ENOSPC), "No space left on device (ENOSPC)");
  EXPECT_EQ(ErrnoName(4095), "errno 4095");
}

TEST(Digest, FieldBoundariesCount) {
  EXPECT_NE(Hasher().Add("ab").Add("c").Finish(), Hasher().Add("a").Add("bc").Finish());
  EXPECT_EQ(HashBytes("x").Hex().size(), 32u);
}

TEST(Files, WriteFileReplacesAsAWholeAndLeavesNoTemporary) {
  auto dir = TempDir::Create("oldornew-test-");
  ASSERT_TRUE(dir);
  const std::string path = dir->path() + "/f";
  ASSERT_TRUE(WriteFile(path, "one"));
  ASSERT_TRUE(WriteFile(path, "two", /*durable=*/true));
  EXPECT_EQ(ReadFile(path).value(), "two");
  ASSERT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(rmdir(dir->path().c_str()), 0) << "something else was left in the directory";
}

TEST(Files, WriteFileNeverReplacesADeviceOrAPipe) {
  auto dir = TempDir::Create("oldornew-test-");
  ASSERT_TRUE(dir);
  const std::string pipe_path = dir->path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe_path.c_str(), 0600), 0);
  const UniqueFd reader(open(pipe_path.c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_TRUE(WriteFile(pipe_path, "through"));
  char bytes[16];
  EXPECT_EQ(
      std::string(bytes, static_cast<size_t>(std::max<ssize_t>(0, read(reader.get(), bytes, 16)))),
      "through");

  struct stat st{};
  ASSERT_EQ(lstat(pipe_path.c_str(), &st), 0);
  EXPECT_TRUE(S_ISFIFO(st.st_mode));

  // A device that a user may have named; the machine's own /dev/null is not put at risk to test
  // this.
  const std::string link = dir->path() + "/null";
  ASSERT_EQ(symlink("/dev/null", link.c_str()), 0);
  ASSERT_TRUE(WriteFile(link, "nothing"));
  ASSERT_EQ(lstat(link.c_str(), &st), 0);
  EXPECT_TRUE(S_ISLNK(st.st_mode));
}

TEST(Files, WriteFileGoesThroughASymlinkAndKeepsTheMode) {
  auto dir = TempDir::Create("oldornew-test-");
  ASSERT_TRUE(dir);
  const std::string path = dir->path() + "/f";
  ASSERT_TRUE(WriteFile(path, "one"));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const std::string link = dir->path() + "/link";
  ASSERT_EQ(symlink("f", link.c_str()), 0);
  ASSERT_TRUE(WriteFile(link, "two"));
  EXPECT_EQ(ReadFile(path).value(), "two");

  struct stat st{};
  ASSERT_EQ(lstat(link.c_str(), &st), 0);
  EXPECT_TRUE(S_ISLNK(st.st_mode));
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
}

TEST(Files, RemoveTreeNeverFollowsASymlinkOutOfTheTree) {
  auto dir = TempDir::Create("oldornew-test-");
  ASSERT_TRUE(dir);
  ASSERT_TRUE(MakeDirectories(dir->path() + "/keep/deep"));
  ASSERT_TRUE(MakeDirectories(dir->path() + "/gone/locked/x"));
  ASSERT_EQ(symlink("../keep", (dir->path() + "/gone/link").c_str()), 0);
  ASSERT_EQ(chmod((dir->path() + "/gone/locked").c_str(), 0), 0);
  ASSERT_TRUE(RemoveTree(dir->path() + "/gone"));
  EXPECT_NE(access((dir->path() + "/gone").c_str(), F_OK), 0);
  EXPECT_EQ(access((dir->path() + "/keep/deep").c_str(), F_OK), 0);
}

TEST(Files, ErrorsNameThePathAndTheErrno) {
  const auto missing = ReadFile("/nonexistent/file");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message,
            "cannot open /nonexistent/file: No such file or directory (ENOENT)");
}

}  // namespace
}  // namespace oldornew
