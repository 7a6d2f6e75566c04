#include "atomicdir_fill.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "test_dir.h"

namespace oldornew::targets {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using testing::UnorderedElementsAre;

/// A populate that writes one file, "k".
auto Key(const std::string& content) {
  return [content](const std::string& dir) { return goos::WriteFile(dir + "/k", content, 0600); };
}

TEST(Fill, CreatesTheLinkAndThenReplacesTheDirectoryBehindIt) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  EXPECT_EQ(dir.Get("s/k"), "1");
  const std::string first = dir.Target("s");
  ASSERT_TRUE(Fill(dir / "s", Key("2")));
  EXPECT_EQ(dir.Get("s/k"), "2");
  EXPECT_NE(dir.Target("s"), first);
  EXPECT_FALSE(std::filesystem::exists(first));
  EXPECT_EQ(dir.Names().size(), 2u);
}

TEST(Fill, RemovesTheOldTreeWhateverItHolds) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", [](const std::string& path) -> GoStatus {
    std::filesystem::create_directories(path + "/a/b/c");
    std::filesystem::create_symlink("/", path + "/a/root");
    for (int i = 0; i < 2500; ++i)
      (void)goos::WriteFile(path + "/a/b/" + std::to_string(i), "", 0600);
    return {};
  }));
  ASSERT_TRUE(Fill(dir / "s", Key("2")));
  EXPECT_EQ(dir.Names().size(), 2u);
  EXPECT_TRUE(std::filesystem::exists("/"));
}

TEST(Fill, KeepsTheOldDirectoryWhenPopulateFails) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  GoStatus status = Fill(dir / "s", [](const std::string& path) -> GoStatus {
    (void)goos::WriteFile(path + "/k", "half", 0600);
    return tl::unexpected(GoError{"populate", path, EIO});
  });
  EXPECT_FALSE(status);
  EXPECT_EQ(dir.Get("s/k"), "1");
  EXPECT_EQ(dir.Names().size(), 2u);
}

TEST(Fill, D7RefusesWhatIsNotASymlink) {
  TestDir dir;
  dir.MakeDir("d");
  dir.Put("f", "old");
  EXPECT_FALSE(Fill(dir / "d", Key("1")));
  EXPECT_FALSE(Fill(dir / "f", Key("1")));
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("d", "f"));
}

// The flaws that need neither a crash nor a second writer: a port without them would not be the
// document's algorithm.

TEST(FillFlaws, D1ABareNameFillsADirectoryInTmpdir) {
  TestDir dir;
  TestDir elsewhere;
  ScopedWorkingDirectory cwd(dir.path());
  const char* old = std::getenv("TMPDIR");
  const std::string saved = old == nullptr ? "" : old;
  setenv("TMPDIR", elsewhere.path().c_str(), 1);
  const GoStatus status = Fill("s", Key("1"));
  old == nullptr ? unsetenv("TMPDIR") : setenv("TMPDIR", saved.c_str(), 1);
  ASSERT_TRUE(status);
  EXPECT_THAT(dir.Target("s"), StartsWith(elsewhere.path() + "/s-"));
}

TEST(FillFlaws, D2ARelativePathReportsSuccessAndDangles) {
  TestDir dir;
  dir.MakeDir("foo");
  ScopedWorkingDirectory cwd(dir.path());
  ASSERT_TRUE(Fill("foo/s", Key("1")));
  EXPECT_THAT(dir.Target("foo/s"), StartsWith("foo/s-"));
  EXPECT_FALSE(std::filesystem::exists(dir / "foo/s"));
  EXPECT_EQ(dir.Get("foo/s/k"), "<none>");
}

TEST(FillFlaws, D3AStaleTemporaryLinkIsAWedge) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  dir.MakeLink("anywhere", "s.tmp");
  for (int run = 0; run < 3; ++run) {
    GoStatus status = Fill(dir / "s", Key("2"));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().operation, "symlink");
    EXPECT_EQ(status.error().number, EEXIST);
  }
  EXPECT_EQ(dir.Get("s/k"), "1");
}

TEST(FillFlaws, D5AReaderInsideTheOldDirectoryLosesIt) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  const int reader = open((dir / "s").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(Fill(dir / "s", Key("2")));
  EXPECT_EQ(openat(reader, "k", O_RDONLY | O_CLOEXEC), -1);
  close(reader);
}

TEST(FillFlaws, D6ATrailingSlashIsRefusedOnceTheLinkExists) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  GoStatus status = Fill(dir / "s/", Key("2"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().operation, "not a symlink");
}

TEST(FillFlaws, D9ADirectoryThatAppearsAtTheTargetLeavesAWedge) {
  TestDir dir;
  GoStatus status = Fill(dir / "s", [&](const std::string& path) {
    dir.MakeDir("s");
    return goos::WriteFile(path + "/k", "1", 0600);
  });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().operation, "rename");
  EXPECT_THAT(dir.Names(), UnorderedElementsAre("s", "s.tmp"));
}

TEST(FillFlaws, D10ThePublishedDirectoryIsReadableByItsOwnerOnly) {
  TestDir dir;
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  EXPECT_EQ(dir.Mode(std::filesystem::path(dir.Target("s")).filename()), 0700);
}

TEST(FillFlaws, D11ADirectoryThatWasNeverOursIsRemoved) {
  TestDir dir;
  dir.MakeDir("precious");
  dir.Put("precious/x", "irreplaceable");
  dir.MakeLink(dir / "precious", "s");
  ASSERT_TRUE(Fill(dir / "s", Key("1")));
  EXPECT_FALSE(std::filesystem::exists(dir / "precious"));
}

TEST(RemoveAll, AcceptsMissingAndEmptyPathsAndRefusesDot) {
  TestDir dir;
  EXPECT_TRUE(goos::RemoveAll(""));
  EXPECT_TRUE(goos::RemoveAll(dir / "missing"));
  EXPECT_TRUE(goos::RemoveAll(dir / "missing/child"));
  GoStatus dot = goos::RemoveAll(dir / ".");
  ASSERT_FALSE(dot);
  EXPECT_EQ(dot.error().number, EINVAL);
  EXPECT_THAT(dir.Names(), IsEmpty());
}

TEST(Join, CleansAsGoDoes) {
  EXPECT_EQ(goos::Join("", "f"), "f");
  EXPECT_EQ(goos::Join(".", "f"), "f");
  EXPECT_EQ(goos::Join("a//b/", "f"), "a/b/f");
  EXPECT_EQ(goos::Join("a/../b", "f"), "b/f");
  EXPECT_EQ(goos::Join("/", "f"), "/f");
  EXPECT_EQ(goos::Join("/..", "f"), "/f");
}

TEST(Split, CutsAfterTheLastSlash) {
  for (const auto& [path, dir, file] : {std::tuple{"f", "", "f"},
                                        {"a/f", "a/", "f"},
                                        {"/f", "/", "f"},
                                        {"a/", "a/", ""},
                                        {"", "", ""}}) {
    EXPECT_EQ(goos::Split(path).dir, dir) << path;
    EXPECT_EQ(goos::Split(path).file, file) << path;
  }
}

}  // namespace
}  // namespace oldornew::targets
