// Real programs under the preload library: what is decoded must be what they did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "base/text.h"
#include "interpose/testing/recorded_run.h"

namespace oldornew {
namespace {

using testing::IsEmpty;

std::vector<std::string> WithoutEnd(std::vector<std::string> lines) {
  while (!lines.empty() && (lines.back().starts_with("exit") || lines.back().starts_with("output")))
    lines.pop_back();
  return lines;
}

class EveryCall : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryCall, IsDecodedAsWhatTheProgramDid) {
  const auto [route, parent] = GetParam();
  setenv("TMPDIR", parent, 1);
  RecordedRun run;
  run.Run({TestProgram("every_call"), route});
  ASSERT_EQ(run.wait_status, 0);
  std::vector<std::string> expected = Split(run.output, '\n');
  expected.pop_back();
  ASSERT_GT(expected.size(), 100u);
  EXPECT_EQ(Join(WithoutEnd(run.Summary()), "\n"), Join(expected, "\n"));
  EXPECT_THAT(run.Problems(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Recording, EveryCall,
                         testing::Combine(testing::Values("libc", "syscall", "asm"),
                                          testing::Values("/tmp", "/dev/shm")),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param)) +
                                  (std::string(std::get<1>(one.param)) == "/tmp" ? "OnDisk" : "OnTmpfs");
                         });

}  // namespace
}  // namespace oldornew
