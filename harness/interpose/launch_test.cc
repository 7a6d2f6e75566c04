#include "interpose/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"

namespace oldornew {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Launch, UserDispatchCanBeProbedAgainAndAgain) {
  for (int i = 0; i < 20; ++i) {
    const Status status = ProbeUserDispatch();
    EXPECT_TRUE(status.has_value()) << status.error().message;
  }
}

TEST(Launch, FindsTheLibraryOfTheBuildTree) {
  const Result<std::string> path = FindPreload();
  ASSERT_TRUE(path.has_value()) << path.error().message;
  EXPECT_TRUE(std::filesystem::equivalent(*path, OLDORNEW_PRELOAD_LIBRARY));
}

TEST(Launch, APreloadThatDoesNotExistIsAnErrorThatNamesIt) {
  setenv("OLDORNEW_PRELOAD", "/nonexistent/liboldornew_preload.so", 1);
  const Result<std::string> path = FindPreload();
  unsetenv("OLDORNEW_PRELOAD");
  ASSERT_FALSE(path.has_value());
  EXPECT_EQ(path.error().exit_code, ExitCode::kCannotJudge);
  EXPECT_THAT(path.error().message, HasSubstr("/nonexistent/liboldornew_preload.so"));
}

TEST(Launch, APathThatLdPreloadCannotExpressIsRefused) {
  const Result<TempDir> directory = TempDir::Create("with space ");
  ASSERT_TRUE(directory.has_value());
  const std::string path = directory->path() + "/liboldornew_preload.so";
  std::ofstream(path) << "x";
  setenv("OLDORNEW_PRELOAD", path.c_str(), 1);
  const Result<std::string> found = FindPreload();
  unsetenv("OLDORNEW_PRELOAD");
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().message, HasSubstr("LD_PRELOAD cannot express"));
}

TEST(Launch, TheEnvironmentKeepsWhatItHad) {
  const std::vector<std::string> environment = PreloadEnvironment(
      {"A=1", "LD_PRELOAD=foreign.so", "ASAN_OPTIONS=detect_leaks=1", "OLDORNEW_RECORDING=stale"},
      "/p/lib.so", "/r");
  EXPECT_THAT(environment, Contains("A=1"));
  EXPECT_THAT(environment, Contains("LD_PRELOAD=/p/lib.so:foreign.so"));
  EXPECT_THAT(environment, Contains("ASAN_OPTIONS=detect_leaks=1:verify_asan_link_order=0"));
  EXPECT_THAT(environment, Contains("OLDORNEW_RECORDING=/r"));
  EXPECT_THAT(environment, Not(Contains("OLDORNEW_RECORDING=stale")));
}

TEST(Launch, AnEmptyEnvironmentGetsWhatItNeeds) {
  EXPECT_THAT(PreloadEnvironment({}, "/p/lib.so", "/r"),
              ::testing::UnorderedElementsAre("LD_PRELOAD=/p/lib.so",
                                              "ASAN_OPTIONS=verify_asan_link_order=0",
                                              "OLDORNEW_RECORDING=/r"));
}

TEST(Launch, AStaticProgramCannotBeEntered) {
  const Status status = CheckEnterable(OLDORNEW_STATIC);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().exit_code, ExitCode::kCannotJudge);
  EXPECT_THAT(status.error().message, HasSubstr("is statically linked"));
}

TEST(Launch, AScriptIsJudgedByItsInterpreter) {
  Result<TempDir> directory = TempDir::Create("launch");
  ASSERT_TRUE(directory.has_value());
  const std::string inner = directory->path() + "/inner", outer = directory->path() + "/outer",
                    good = directory->path() + "/good";
  std::ofstream(inner) << "#! " << OLDORNEW_STATIC << " -x\n";
  std::ofstream(outer) << "#!" << inner << "\n";
  std::ofstream(good) << "#!/bin/sh\n";
  for (const std::string& path : {inner, outer, good}) chmod(path.c_str(), 0755);
  EXPECT_TRUE(CheckEnterable(good).has_value());
  for (const std::string& path : {inner, outer}) {
    const Status status = CheckEnterable(path);
    ASSERT_FALSE(status.has_value()) << path;
    EXPECT_THAT(status.error().message, StartsWith(OLDORNEW_STATIC));
  }
}

TEST(Launch, OrdinaryProgramsCanBeEntered) {
  for (const char* path : {"/bin/sh", "/bin/ls", "/usr/bin/env", "/lib64/ld-linux-x86-64.so.2",
                           "/nonexistent", "/etc/passwd", "/tmp"}) {
    const Status status = CheckEnterable(path);
    EXPECT_TRUE(status.has_value()) << path << ": " << status.error().message;
  }
}

/// Every prefix of a real program: never a crash, and nothing cut short is called static.
TEST(Launch, TruncatedProgramsAreLeftToTheKernel) {
  Result<std::string> program = ReadFile("/bin/true");
  Result<TempDir> directory = TempDir::Create("launch");
  ASSERT_TRUE(program.has_value() && directory.has_value());
  const std::string path = directory->path() + "/cut";
  for (size_t size = 0; size < 1024; size += size < 128 ? 1 : 37) {
    std::ofstream(path, std::ios::trunc) << program->substr(0, size);
    EXPECT_TRUE(CheckEnterable(path).has_value()) << size;
  }
}

TEST(Launch, ForeignProgramsAreNamedForWhatTheyAre) {
  Result<std::string> program = ReadFile("/bin/true");
  Result<TempDir> directory = TempDir::Create("launch");
  ASSERT_TRUE(program.has_value() && directory.has_value());
  const std::string path = directory->path() + "/foreign";
  const auto Reason = [&](size_t at, char byte) {
    std::string changed = *program;
    changed[at] = byte;
    std::ofstream(path, std::ios::trunc) << changed;
    const Status status = CheckEnterable(path);
    return status.has_value() ? std::string("none") : status.error().message;
  };
  EXPECT_THAT(Reason(18, static_cast<char>(183)), HasSubstr("another architecture"));
  EXPECT_THAT(Reason(4, 1), HasSubstr("x32"));
}

TEST(Launch, ASetuidProgramIsNamedWhenItWouldChangeTheUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Result<std::string> program = ReadFile("/bin/true");
  Result<TempDir> directory = TempDir::Create("launch");
  ASSERT_TRUE(program.has_value() && directory.has_value());
  const std::string path = directory->path() + "/setuid";
  std::ofstream(path) << *program;
  ASSERT_EQ(chmod(path.c_str(), 04755), 0);
  EXPECT_TRUE(CheckEnterable(path).has_value()) << "root's own setuid changes nothing for root";
  ASSERT_EQ(chown(path.c_str(), 12345, 0), 0);
  ASSERT_EQ(chmod(path.c_str(), 04755), 0);
  Status status = CheckEnterable(path);
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, HasSubstr("is setuid"));
  ASSERT_EQ(chown(path.c_str(), 0, 12345), 0);
  ASSERT_EQ(chmod(path.c_str(), 02755), 0);
  status = CheckEnterable(path);
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message, HasSubstr("is setgid"));
}

}  // namespace
}  // namespace oldornew
