#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/files.h"
#include "tree/file_tree.h"

namespace oldornew {
namespace {

std::string Pattern(size_t size, char start = 'a') {
  std::string out;
  for (size_t i = 0; i < size; ++i) out += static_cast<char>(start + i % 23);
  return out;
}

TEST(Content, BehavesLikeAStringUnderWritesAndTruncationsAtEveryBoundary) {
  const uint64_t interesting[] = {0, 1, 100, 4095, 4096, 4097, 8191, 8192, 8193, 12288};
  for (const uint64_t initial : interesting) {
    for (const uint64_t offset : interesting) {
      for (const uint64_t length : {uint64_t{1}, uint64_t{4096}, uint64_t{5000}}) {
        std::string expected = Pattern(initial);
        const std::string bytes = Pattern(length, 'A');
        const Content written = Content::FromBytes(expected).WithWrite(offset, bytes);
        if (expected.size() < offset + length) expected.resize(offset + length, '\0');
        expected.replace(offset, length, bytes);
        ASSERT_EQ(written.ToString(), expected) << initial << " " << offset << " " << length;
        ASSERT_EQ(written.digest(), Content::FromBytes(expected).digest());
        for (const uint64_t size : interesting) {
          std::string cut = expected;
          cut.resize(size, '\0');
          ASSERT_EQ(written.WithSize(size).ToString(), cut);
          ASSERT_EQ(written.WithSize(size).digest(), Content::FromBytes(cut).digest());
        }
      }
    }
  }
}

TEST(Content, BytesCutOffDoNotComeBackWhenTheFileGrowsAgain) {
  EXPECT_EQ(Content::FromBytes("abcdef").WithSize(2).WithSize(4).ToString(),
            std::string("ab\0\0", 4));
}

TEST(Content, HolesAndWrittenZerosAreTheSame) {
  EXPECT_EQ(Content().WithSize(8192), Content::FromBytes(std::string(8192, '\0')));
  EXPECT_TRUE(Content().WithSize(1).AllZeros());
  EXPECT_FALSE(Content().AllZeros());
}

class OnDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("oldornew-tree-");
    ASSERT_TRUE(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
  }
  std::string Path(const std::string& name) const { return dir_->path() + "/" + name; }
  std::unique_ptr<TempDir> dir_;
};

TEST_F(OnDisk, WhatIsWrittenIsCapturedBackWithLinksModesAndXattrs) {
  FileTree tree;
  Inode file;
  file.content = Content::FromBytes(Pattern(9000));
  file.mode = 0640;
  file.uid = getuid();
  file.gid = getgid();
  file.xattrs["user.note"] = std::string("a\0b", 3);
  const InodeIndex f = tree.Add(file);
  Inode dir;
  dir.kind = FileKind::kDirectory;
  dir.mode = 0500;
  dir.uid = getuid();
  dir.gid = getgid();
  const InodeIndex d = tree.Add(dir);
  Inode link;
  link.kind = FileKind::kSymlink;
  link.mode = 0777;
  link.uid = getuid();
  link.gid = getgid();
  link.target = "nowhere at all";
  const InodeIndex l = tree.Add(link);
  tree.at(0).entries = {{"d", d}, {"l", l}};
  tree.at(0).uid = getuid();
  tree.at(0).gid = getgid();
  tree.at(d).entries = {{"one", f}, {"two", f}};
  ASSERT_TRUE(MakeDirectories(Path("out")));
  ASSERT_TRUE(WriteTo(tree, Path("out")));
  const auto captured = Capture({Path("out")});
  ASSERT_TRUE(captured) << captured.error().message;
  EXPECT_THAT(Diff(tree, captured->tree), ::testing::IsEmpty());
  EXPECT_EQ(captured->tree.Lookup("d/one"), captured->tree.Lookup("d/two")) << "hard link lost";
  EXPECT_EQ(captured->tree.RootDigest(true), tree.RootDigest(true));
  struct stat st{};
  ASSERT_EQ(stat(Path("out/d/one").c_str(), &st), 0);
  EXPECT_EQ(captured->ids[static_cast<size_t>(*captured->tree.Lookup("d/one"))].ino, st.st_ino);
}

TEST_F(OnDisk, SeveralRootsAreOneTreeWithSharedNumbers) {
  ASSERT_TRUE(MakeDirectories(Path("a/x")));
  ASSERT_TRUE(MakeDirectories(Path("b")));
  ASSERT_TRUE(WriteFile(Path("b/f"), "hello"));
  const auto captured = Capture({Path("a"), Path("b")});
  ASSERT_TRUE(captured);
  EXPECT_EQ(captured->tree.roots().size(), 2u);
  EXPECT_TRUE(captured->tree.Lookup("x", 0));
  ASSERT_TRUE(captured->tree.Lookup("f", 1));
  EXPECT_EQ(captured->tree.at(*captured->tree.Lookup("f", 1)).content.ToString(), "hello");
}

TEST_F(OnDisk, CaptureRefusesMoreThanItsLimitAndNamesTheFile) {
  ASSERT_TRUE(WriteFile(Path("big"), Pattern(5000)));
  const auto captured = Capture({dir_->path()}, 4999);
  ASSERT_FALSE(captured);
  EXPECT_THAT(captured.error().message, ::testing::HasSubstr("big"));
}

TEST(Diff, NamesEachKindOfChangeOnce) {
  const auto make = [](const std::string& bytes, uint32_t mode, const std::string& target) {
    FileTree tree;
    Inode file;
    file.content = Content::FromBytes(bytes);
    Inode moded;
    moded.mode = mode;
    Inode link;
    link.kind = FileKind::kSymlink;
    link.target = target;
    tree.at(0).entries = {
        {"bytes", tree.Add(file)}, {"mode", tree.Add(moded)}, {"link", tree.Add(link)}};
    return tree;
  };

  FileTree before = make("a", 0600, "x");
  FileTree after = make("b", 0644, "y");
  before.at(0).entries["gone"] = before.Add({});
  after.at(0).entries["fresh"] = after.Add({});
  std::vector<std::pair<std::string, PathChange::What>> got;
  for (const PathChange& c : Diff(before, after)) got.emplace_back(c.path, c.what);
  using W = PathChange::What;
  EXPECT_THAT(got, ::testing::ElementsAre(
                       ::testing::Pair("bytes", W::kBytes), ::testing::Pair("fresh", W::kAdded),
                       ::testing::Pair("gone", W::kRemoved), ::testing::Pair("link", W::kTarget),
                       ::testing::Pair("mode", W::kAttributes)));
  EXPECT_NE(before.RootDigest(), after.RootDigest());
}

}  // namespace
}  // namespace oldornew
