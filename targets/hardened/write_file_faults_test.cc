// Every call that WriteFile makes fails, alone and with every later one: what it answers is true,
// the old content stays unless the new one is complete, and nothing is left behind but what could
// not be removed.
#include <gmock/gmock.h>

#include "faulty_calls.h"
#include "hardened/steps.h"
#include "hardened/write_file.h"
#include "test_dir.h"

namespace oldornew::hardened {
namespace {

using targets::FaultyCalls;
using targets::TestDir;
using Faults = std::vector<FaultyCalls::Fault>;

std::string Show(const Faults& faults, const FaultyCalls& calls, const UpdateResult& result) {
  std::string text =
      "answer: " + std::string(result.step) + " " + std::to_string(result.error) + "; failed:";
  for (size_t i = 0; i < calls.failed().size(); ++i)
    text += " " + calls.failed()[i] + "#" + std::to_string(faults[i].call) +
            (faults[i].after ? " (done)" : "");
  return text;
}

class WriteFileFaults : public testing::TestWithParam<WriteFileOptions> {
 protected:
  /// One update of a file (of none, if it is only to be created) under the faults. Returns how many
  /// fired.
  static size_t Run(const Faults& faults) {
    const bool creates = GetParam().create_only;
    TestDir dir;
    if (!creates) dir.Put("f", "old");
    Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    UpdateResult result;
    FaultyCalls calls(faults);
    result = WriteFile(fd.get(), "f", "new content", GetParam());
    calls.Disarm();
    Judge(faults, calls, result, dir);
    return calls.failed().size();
  }

  static void Judge(const Faults& faults, const FaultyCalls& calls, const UpdateResult& result,
                    const TestDir& dir) {
    SCOPED_TRACE(Show(faults, calls, result));
    const std::string before = GetParam().create_only ? "<none>" : "old";
    const std::string content = dir.Get("f");
    EXPECT_TRUE(content == before || content == "new content") << content;
    if (result.committed == Committed::kNo) {
      EXPECT_EQ(content, before);
    }
    if (result.committed == Committed::kYes) {
      EXPECT_EQ(content, "new content");
    }
    if (result.ok()) {
      EXPECT_EQ(result.committed, Committed::kYes);
    }
    EXPECT_EQ(result.ok(), result.error == 0);
    std::set<std::string> names = dir.Names();
    names.erase("f");
    if (result.committed != Committed::kUnknown && result.left_behind == 0) {
      EXPECT_THAT(names, testing::IsEmpty());
    }
    if (result.left_behind != 0) {
      EXPECT_TRUE(calls.Failed("unlinkat"));
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Options, WriteFileFaults,
                         testing::Values(WriteFileOptions{},
                                         WriteFileOptions{.keep_attributes = true},
                                         WriteFileOptions{.create_only = true}),
                         [](const auto& options) {
                           return options.param.keep_attributes ? "KeepAttributes"
                                  : options.param.create_only   ? "CreateOnly"
                                                                : "Plain";
                         });

TEST_P(WriteFileFaults, AnswerWhatIsTrueUnderEveryFaultAndEveryTwo) {
  targets::UnderEveryFault({EIO, ENOSPC}, Run);
}

TEST_P(WriteFileFaults, FinishAnUpdateThatIsOnlyInterrupted) {
  int fired = 0;
  for (int call = 0;; ++call) {
    TestDir dir;
    Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    FaultyCalls calls({{call, EINTR, false}});
    const UpdateResult result = WriteFile(fd.get(), "f", "new content", GetParam());
    calls.Disarm();
    if (calls.failed().empty()) break;
    const std::set<std::string> can_be = {"openat", "write", "fsync",    "renameat2",
                                          "close",  "flock", "getrandom"};
    if (can_be.count(calls.failed()[0]) == 0) continue;
    ++fired;
    EXPECT_TRUE(result.ok()) << calls.failed()[0] << ": " << result.step;
    EXPECT_EQ(dir.Get("f"), "new content");
  }
  EXPECT_GE(fired, 6);
}

TEST(WriteFileFault, AFailedSyncOfTheDirectoryIsCommittedButNotDurable) {
  int seen = 0;
  targets::UnderEveryFault({EIO}, [&](const Faults& faults) {
    TestDir dir;
    Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    FaultyCalls calls(faults);
    const UpdateResult result = WriteFile(fd.get(), "f", "new content");
    calls.Disarm();
    if (calls.failed() == std::vector<std::string>{"fsync"} &&
        std::string(result.step) == "fsync directory") {
      ++seen;
      EXPECT_EQ(result.committed, Committed::kYes);
      EXPECT_FALSE(result.durable);
      EXPECT_EQ(dir.Get("f"), "new content");
    }
    return calls.failed().size();
  });
  EXPECT_GE(seen, 2);  // the error before and after the effect
}

TEST(WriteFileFault, ARenameThatReportsAnErrorThoughDoneIsDone) {
  int seen = 0;
  targets::UnderEveryFault({EIO, EINTR}, [&](const Faults& faults) {
    TestDir dir;
    dir.Put("f", "old");
    Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    FaultyCalls calls(faults);
    const UpdateResult result = WriteFile(fd.get(), "f", "new content");
    calls.Disarm();
    if (faults[0].after && calls.failed() == std::vector<std::string>{"renameat2"}) {
      ++seen;
      EXPECT_TRUE(result.ok()) << result.step;
    }
    return calls.failed().size();
  });
  EXPECT_GE(seen, 2);
}

}  // namespace
}  // namespace oldornew::hardened
