#include "run/copy_tree.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "run/test_support.h"

namespace oldornew {
using testing::Fingerprint;
namespace {

class CopyTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::Create("copy-test-");
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(std::move(*dir));
    from_ = dir_->path() + "/from";
    to_ = dir_->path() + "/to";
    ASSERT_EQ(mkdir(from_.c_str(), 0755), 0);
    ASSERT_EQ(mkdir(to_.c_str(), 0700), 0);
  }
  struct stat Stat(const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(lstat(path.c_str(), &st), 0) << path;
    return st;
  }
  void Put(const std::string& name, const std::string& bytes) {
    ASSERT_OK(WriteFile(from_ + "/" + name, bytes));
  }

  std::unique_ptr<TempDir> dir_;
  std::string from_, to_;
};

TEST_F(CopyTreeTest, KeepsBytesOfEverySizeAroundPageAndBufferBorders) {
  for (size_t size : {0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 200000}) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 31 + i / 251);
    Put(std::to_string(size), bytes);
  }

  ASSERT_OK(CopyTree(from_, to_, 1 << 30));
  for (const std::string& name : LeavesBelow(from_))
    EXPECT_EQ(*ReadFile(from_ + "/" + name), *ReadFile(to_ + "/" + name));
  EXPECT_EQ(LeavesBelow(from_), LeavesBelow(to_));
}

TEST_F(CopyTreeTest, KeepsModesTimesLinksAndSymlinks) {
  Put("a", "one");
  ASSERT_EQ(link((from_ + "/a").c_str(), (from_ + "/b").c_str()), 0);
  ASSERT_EQ(chmod((from_ + "/a").c_str(), 04510), 0);
  ASSERT_EQ(symlink("/nowhere/at all", (from_ + "/s").c_str()), 0);
  ASSERT_EQ(mkdir((from_ + "/locked").c_str(), 0755), 0);
  Put("locked/x", "x");
  ASSERT_EQ(chmod((from_ + "/locked").c_str(), 0555), 0);
  const timespec times[2] = {{1000000, 5}, {2000000, 123456789}};
  for (const char* name : {"a", "s", "locked", "."})
    utimensat(AT_FDCWD, (from_ + "/" + name).c_str(), times, AT_SYMLINK_NOFOLLOW);
  ASSERT_OK(CopyTree(from_, to_, 1 << 30));
  EXPECT_EQ(Stat(to_ + "/a").st_ino, Stat(to_ + "/b").st_ino);
  EXPECT_EQ(Stat(to_ + "/a").st_nlink, 2u);
  EXPECT_EQ(Stat(to_ + "/locked").st_mode, Stat(from_ + "/locked").st_mode);

  for (const char* name : {"a", "s", "locked", "."}) {
    EXPECT_EQ(Stat(to_ + "/" + name).st_mode, Stat(from_ + "/" + name).st_mode) << name;
    EXPECT_EQ(Stat(to_ + "/" + name).st_mtim.tv_sec, 2000000) << name;
    EXPECT_EQ(Stat(to_ + "/" + name).st_mtim.tv_nsec, 123456789) << name;
  }

  char target[64] = {};
  EXPECT_EQ(readlink((to_ + "/s").c_str(), target, sizeof target), 15);
  EXPECT_STREQ(target, "/nowhere/at all");

  chmod((from_ + "/locked").c_str(), 0755);
}

TEST_F(CopyTreeTest, KeepsHolesHoles) {
  const std::string path = from_ + "/sparse";
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(pwrite(fd.get(), "data", 4, 300 << 20), 4);
  auto outcome = CopyTree(from_, to_, 1 << 20);  // the limit counts data, not holes
  ASSERT_OK(outcome);
  EXPECT_EQ(Stat(to_ + "/sparse").st_size, (300 << 20) + 4);
  EXPECT_LT(Stat(to_ + "/sparse").st_blocks, 1000);

  UniqueFd copy(open((to_ + "/sparse").c_str(), O_RDONLY));
  char bytes[5] = {};
  EXPECT_EQ(pread(copy.get(), bytes, 4, 300 << 20), 4);
  EXPECT_STREQ(bytes, "data");
}

TEST_F(CopyTreeTest, KeepsExtendedAttributesAndAcls) {
  Put("a", "one");
  if (setxattr((from_ + "/a").c_str(), "user.note", "hello", 5, 0) != 0)
    GTEST_SKIP() << "no user xattrs here";
  // user::rw- user:65534:r-- group::--- mask::r-- other::---
  struct Entry {
    uint16_t tag, perm;
    uint32_t id;
  };

  struct {
    uint32_t version;
    Entry entries[5];
  } acl = {2, {{1, 6, ~0u}, {2, 4, 65534}, {4, 0, ~0u}, {0x10, 4, ~0u}, {0x20, 0, ~0u}}};

  const bool has_acl =
      setxattr((from_ + "/a").c_str(), "system.posix_acl_access", &acl, sizeof acl, 0) == 0;
  ASSERT_OK(CopyTree(from_, to_, 1 << 30));
  char value[128];
  EXPECT_EQ(getxattr((to_ + "/a").c_str(), "user.note", value, sizeof value), 5);

  if (has_acl) {
    EXPECT_EQ(getxattr((to_ + "/a").c_str(), "system.posix_acl_access", value, sizeof value),
              static_cast<ssize_t>(sizeof acl));
    EXPECT_EQ(std::string(value, sizeof acl),
              std::string(reinterpret_cast<char*>(&acl), sizeof acl));
  }
}

TEST_F(CopyTreeTest, SkipsSocketsAndNamesThem) {
  sockaddr_un address = {AF_UNIX, {}};
  const std::string path = from_ + "/sock";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  auto outcome = CopyTree(from_, to_, 1 << 30);
  ASSERT_OK(outcome);
  EXPECT_EQ(outcome->skipped, std::vector<std::string>{"sock"});
  EXPECT_TRUE(LeavesBelow(to_).empty());
}

TEST_F(CopyTreeTest, RefusesMoreThanTheLimitNamingItAndTheOption) {
  Put("big", std::string(100000, 'x'));
  auto outcome = CopyTree(from_, to_, 50000);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().exit_code, ExitCode::kUsage);
  EXPECT_NE(outcome.error().message.find("50000 B"), std::string::npos) << outcome.error().message;
  EXPECT_NE(outcome.error().message.find("--dir"), std::string::npos);
}

TEST_F(CopyTreeTest, LeavesTheSourceAsItWas) {
  Put("a", "one");
  ASSERT_EQ(mkdir((from_ + "/d").c_str(), 0755), 0);
  Put("d/b", "two");
  const auto before = Fingerprint(from_);
  const timespec atime = Stat(from_ + "/a").st_atim;
  ASSERT_OK(CopyTree(from_, to_, 1 << 30));
  EXPECT_EQ(Fingerprint(from_), before);
  EXPECT_EQ(Stat(from_ + "/a").st_atim.tv_nsec, atime.tv_nsec);
}

TEST_F(CopyTreeTest, LeavesOutTheOutputOfEarlierChecks) {
  ASSERT_OK(MakeDirectories(from_ + "/oldornew.out"));
  ASSERT_OK(WriteFile(from_ + "/oldornew.out/" + kOutputMarker, ""));
  ASSERT_OK(WriteFile(from_ + "/oldornew.out/run.trace", "bytes"));
  ASSERT_OK(WriteFile(from_ + "/kept", "bytes"));
  ASSERT_OK(CopyTree(from_, to_, 1 << 30));
  EXPECT_NE(access((to_ + "/oldornew.out").c_str(), F_OK), 0);
  EXPECT_EQ(access((to_ + "/kept").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace oldornew
