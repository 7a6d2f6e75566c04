// Every call that SwapDirectory makes fails, alone and with every later one: readers find the old
// tree or the new one, the answer is true, and the next swap works and leaves nothing of the failed
// one.
#include <gmock/gmock.h>

#include "faulty_calls.h"
#include "hardened/steps.h"
#include "hardened/swap_directory.h"
#include "test_dir.h"

namespace oldornew::hardened {
namespace {

using targets::FaultyCalls;
using targets::TestDir;
using Faults = std::vector<FaultyCalls::Fault>;

int Put(int dir, const std::string& name, const std::string& content) {
  Fd fd(openat(dir, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) return errno;
  if (int error = WriteAll(fd.get(), content)) return error;
  return fd.Close();
}

Populate Two(const std::string& content) {
  return [content](int dir) {
    if (int error = Put(dir, "a", content)) return error;
    return Put(dir, "b", content);
  };
}

class SwapDirectoryFaults : public testing::TestWithParam<SwapForm> {
 protected:
  static SwapResult Swap(const TestDir& dir, const std::string& content) {
    Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return SwapDirectory(fd.get(), "s", Two(content), {.form = GetParam()});
  }

  static size_t Run(const Faults& faults) {
    TestDir dir;
    EXPECT_TRUE(Swap(dir, "old").ok());
    size_t fired = 0;
    {
      Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      FaultyCalls calls(faults);
      const SwapResult result = SwapDirectory(fd.get(), "s", Two("new"), {.form = GetParam()});
      calls.Disarm();
      fired = calls.failed().size();
      Judge(faults, calls, result, dir);
    }
    const SwapResult next = Swap(dir, "next");
    EXPECT_TRUE(next.ok()) << next.step;
    EXPECT_EQ(dir.Names().size(), GetParam() == SwapForm::kSymlink ? 2u : 1u);
    return fired;
  }

  static void Judge(const Faults& faults, const FaultyCalls& calls, const SwapResult& result,
                    const TestDir& dir) {
    std::string trace =
        std::string("answer: ") + result.step + " " + std::to_string(result.error) + "; failed:";
    for (size_t i = 0; i < calls.failed().size(); ++i)
      trace += " " + calls.failed()[i] + "#" + std::to_string(faults[i].call) +
               (faults[i].after ? " (done)" : "");
    SCOPED_TRACE(trace);
    const std::string a = dir.Get("s/a");
    EXPECT_EQ(a, dir.Get("s/b"));
    EXPECT_TRUE(a == "old" || a == "new") << a;
    if (result.committed == Committed::kNo) {
      EXPECT_EQ(a, "old");
    }
    if (result.committed == Committed::kYes) {
      EXPECT_EQ(a, "new");
    }
    EXPECT_EQ(result.ok(), result.error == 0);
    if (result.ok()) {
      EXPECT_EQ(result.committed, Committed::kYes);
    }
    const size_t clean = GetParam() == SwapForm::kSymlink ? 2 : 1;
    if (result.ok() && result.old_removed) {
      EXPECT_EQ(dir.Names().size(), clean);
    }
    if (result.committed == Committed::kNo && result.left_behind == 0) {
      EXPECT_EQ(dir.Names().size(), clean);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Forms, SwapDirectoryFaults,
                         testing::Values(SwapForm::kSymlink, SwapForm::kExchange),
                         [](const auto& form) {
                           return form.param == SwapForm::kSymlink ? "Symlink" : "Exchange";
                         });

TEST_P(SwapDirectoryFaults, AnswerWhatIsTrueUnderEveryFaultAndEveryTwo) {
  targets::UnderEveryFault({EIO, ENOSPC}, Run);
}

TEST_P(SwapDirectoryFaults, AnInterruptedRenameIsNotDoneTwice) {
  int seen = 0;
  targets::UnderEveryFault({EINTR}, [&](const Faults& faults) -> size_t {
    TestDir dir;
    EXPECT_TRUE(Swap(dir, "old").ok());
    Fd fd(open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    FaultyCalls calls(faults);
    const SwapResult result = SwapDirectory(fd.get(), "s", Two("new"), {.form = GetParam()});
    calls.Disarm();
    if (calls.failed() == std::vector<std::string>{"renameat2"}) {
      ++seen;
      EXPECT_TRUE(result.ok()) << result.step;
      EXPECT_EQ(dir.Get("s/a"), "new");
    }
    return faults.size() == 1 ? calls.failed().size() : 0;
  });
  EXPECT_GE(seen, 2);
}

}  // namespace
}  // namespace oldornew::hardened
