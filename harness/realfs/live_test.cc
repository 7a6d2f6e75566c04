// Litmus tests on real file systems: what they show after a power cut must be in the model of their
// profile.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "model/columns.h"
#include "model/testing/litmus.h"
#include "realfs/observe.h"

namespace oldornew {
namespace {

#ifndef OLDORNEW_BLOCK_RECORDER
#define OLDORNEW_BLOCK_RECORDER ""
#endif

constexpr uint64_t kSlow = 150'000;  // microseconds that data is held back

const Litmus& TestOf(const std::string& name) {
  for (const Litmus& test : AllLitmusTests()) {
    if (test.name == name) return test;
  }
  CHECK(false);
  return AllLitmusTests()[0];
}

std::vector<LiveStep> ProgramOf(const Litmus& test) {
  std::vector<LiveStep> out;
  for (const Litmus::Step& step : test.program)
    out.push_back({step.words, step.first_op, step.end_op});
  return out;
}

// What was seen outside the model of this row: a sentence each.
std::vector<std::string> Outside(const Litmus& test, const Profile& row, const Observed& observed) {
  const std::vector<CrashState> states = StatesOf(test, row);
  std::vector<std::string> texts;
  for (const CrashState& state : states) texts.push_back(DescribeState(state.tree));
  std::vector<std::string> out;
  for (const Observation& seen : observed.states) {
    const std::string text = DescribeState(seen.tree);
    bool known = false;
    for (size_t i = 0; i < states.size() && !known; ++i) {
      const bool meets =
          std::any_of(states[i].points.begin(), states[i].points.end(), [&](const auto& points) {
            return points.first <= seen.last_point + 1 && points.second >= seen.first_point;
          });
      known = meets && (texts[i] == text || Accounts(states[i].tree, text));
    }
    if (!known)
      out.push_back(fmt::format("{} on {}, power lost after {} to {} ops ({}): {}", test.name,
                                row.name, seen.first_point, seen.last_point, seen.image, text));
  }

  return out;
}

class Live : public ::testing::Test {
 protected:
  // Skips the test with the reason when it cannot be run here.
  void Need(const std::vector<std::string>& profiles) {
    std::string why = std::string(OLDORNEW_BLOCK_RECORDER).empty() ? "built without libfuse3" : "";
    for (const std::string& profile : profiles) {
      if (why.empty()) why = WhyNot(*FindRealFs(profile));
    }
    if (!why.empty()) GTEST_SKIP() << why;
    auto lab = DiskLab::Create(OLDORNEW_BLOCK_RECORDER);
    if (!lab && lab.error().exit_code == ExitCode::kCannotJudge)
      GTEST_SKIP() << lab.error().message;
    ASSERT_TRUE(lab.has_value()) << lab.error().message;
    lab_ = std::move(*lab);
  }

  void Compare(const std::string& name, const std::string& profile, uint64_t delay_us,
               size_t most = 120) {
    const Litmus& test = TestOf(name);
    ImageBounds bounds;
    bounds.most = most;
    const auto observed =
        Observe(lab_.get(), *FindRealFs(profile), ProgramOf(test), delay_us, bounds);
    ASSERT_TRUE(observed.has_value())
        << name << " on " << profile << ": " << observed.error().message;
    for (const std::string& wrong : Outside(test, *FindProfile(profile), *observed))
      ADD_FAILURE() << wrong;
    std::set<std::string> seen;
    for (const Observation& o : observed->states) seen.insert(DescribeState(o.tree));

    // A recorder that records nothing would make every test pass.
    EXPECT_GT(observed->writes, 0u) << name;
    EXPECT_GT(observed->flushes, 0u) << name;
    fmt::print("{} {}{}: {} images, {} writes, {} flushes; {}\n", name, profile,
               delay_us > 0 ? " (data delayed)" : "", observed->images, observed->writes,
               observed->flushes, Join(std::vector<std::string>(seen.begin(), seen.end()), " || "));
    seen_ = std::move(seen);
  }

  std::unique_ptr<DiskLab> lab_;
  std::set<std::string> seen_;
};

TEST_F(Live, AReplacedFileOnEachFileSystemShowsOnlyWhatItsRowAllows) {
  Need({"ext4", "xfs", "btrfs"});
  for (const char* profile : {"ext4", "xfs", "btrfs"}) {
    if (lab_ != nullptr) Compare("L07", profile, 0, 30);
  }
}

TEST_F(Live, AWrongCellIsSeen) {
  Need({"xfs"});
  if (lab_ == nullptr) return;

  // Claim that xfs has a renamed file's data on disk before the rename.
  const Litmus& test = TestOf("L07");
  const auto observed = Observe(lab_.get(), *FindRealFs("xfs"), ProgramOf(test), 0, {30, 4, 1});
  ASSERT_TRUE(observed.has_value()) << observed.error().message;
  EXPECT_EQ(Outside(test, *FindProfile("xfs"), *observed), std::vector<std::string>{});
  Profile wrong = *FindProfile("xfs");
  wrong.replace = Writeback::kWait;
  EXPECT_FALSE(Outside(test, wrong, *observed).empty());
}

TEST_F(Live, AKilledLabLeavesNothingBehind) {
  Need({"ext4"});
  if (lab_ == nullptr) return;
  lab_.reset();
  const pid_t child = fork();
  if (child == 0) {
    auto lab = DiskLab::Create(OLDORNEW_BLOCK_RECORDER);
    const RealFs& fs = *FindRealFs("ext4");
    if (!lab || !(*lab)->Make(fs, (*lab)->directory() + "/live")) _exit(1);
    if (!(*lab)->StartRecording((*lab)->directory() + "/live", 0, 20)) _exit(2);
    if (!(*lab)->Mount(fs, (*lab)->recorded_image(), "")) _exit(3);
    (void)LiveProgram((*lab)->mount_point()).Run({"op", "w", "f", "0", "A*1p"});
    kill(getpid(), SIGKILL);
  }

  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);

  // The kernel takes the mounts down, and the loop device with the last of them, a moment after the
  // death.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (bool done = false; !done && std::chrono::steady_clock::now() < end;) {
    auto next = DiskLab::Create(OLDORNEW_BLOCK_RECORDER);
    ASSERT_TRUE(next.has_value()) << next.error().message;
    done = LeftBehind(child).empty();
  }

  EXPECT_EQ(LeftBehind(child), std::vector<std::string>{});
}

class LiveTen : public Live, public ::testing::WithParamInterface<std::string> {};

TEST_P(LiveTen, TenLitmusTestsShowOnlyWhatTheModelAllows) {
  Need({GetParam()});
  for (const char* name :
       {"L01", "L05", "L06c", "L07s", "L09s", "L11", "L13", "L20b", "L23", "L40"}) {
    if (lab_ != nullptr) Compare(name, GetParam(), 0);
  }
  for (const char* name : {"L07d", "L12d"}) {
    if (lab_ != nullptr) Compare(name, GetParam(), kSlow);
  }
}

// The options, with the tests that set them apart.
class LiveOptionsLong : public LiveTen {};

TEST_P(LiveOptionsLong, TheTestsThatSetOptionsApart) {
  Need({GetParam()});
  for (const char* name : {"L05", "L09s", "L13", "L20b", "L33", "L40", "R20"}) {
    if (lab_ != nullptr) Compare(name, GetParam(), 0, 60);
  }
  for (const char* name : {"L07d", "L30"}) {
    if (lab_ != nullptr) Compare(name, GetParam(), kSlow, 60);
  }
}

INSTANTIATE_TEST_SUITE_P(
    FileSystems, LiveOptionsLong,
    ::testing::Values("ext4,noauto_da_alloc", "ext4,dioread_lock", "ext4,nodelalloc",
                      "ext4,data=writeback", "ext4,data=journal", "ext4,fast_commit",
                      "btrfs,flushoncommit", "btrfs,notreelog", "btrfs,nodatacow"),
    [](const auto& p) {
      std::string name = p.param;
      std::replace_if(name.begin(), name.end(), [](char c) { return c == ',' || c == '='; }, '_');
      return name;
    });
INSTANTIATE_TEST_SUITE_P(FileSystems, LiveTen, ::testing::Values("ext4", "xfs", "btrfs"),
                         [](const auto& p) { return p.param; });

}  // namespace
}  // namespace oldornew
