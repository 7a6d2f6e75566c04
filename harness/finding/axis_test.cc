#include "finding/axis.h"

#include <gtest/gtest.h>

namespace oldornew {
namespace {

TEST(Axis, EveryNameIsReadBack) {
  for (const Axis axis : {Axis::kPower, Axis::kFaults, Axis::kKill, Axis::kNextRun}) {
    const auto read = ParseAxis(AxisName(axis));
    ASSERT_TRUE(read) << AxisName(axis);
    EXPECT_EQ(*read, axis);
    EXPECT_EQ(IsAxisName(AxisName(axis)), axis != Axis::kPower);
  }
}

TEST(Axis, OtherOldStatesAreNoWordOfOnly) {
  EXPECT_TRUE(IsAxisName("vary-old"));
  for (const char* word : {"vary-old", "", "Power", "powers", "xfs"}) {
    const auto read = ParseAxis(word);
    ASSERT_FALSE(read) << word;
    EXPECT_EQ(read.error().exit_code, ExitCode::kUsage);
  }
}

}  // namespace
}  // namespace oldornew
