// What one axis hands on to another: fake programs under several explorers, as the table of axes
// has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "check/axes.h"
#include "explorers/explorer_test_support.h"
#include "explorers/replace_file_test_support.h"

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Mistakes;
using ::testing::Not;
using testing::ReplaceFile;
using ::testing::StartsWith;

class HandOverTest : public testing::FakeExplorerTest {
 protected:
  // Explores these axes one after the other; result_ is of the last one.
  void ExploreInTurn(const Mistakes& mistakes, const std::vector<std::string>& axes) {
    Record({{"f", "the old content"}}, ReplaceFile(mistakes));
    for (const std::string& name : axes) {
      const Axis* axis = AxisTable::BuiltIn().Find(name);
      ASSERT_NE(axis, nullptr) << name;
      Explore(axis->make({}));
      if (name != axes.back()) Before(name, std::move(result_));
    }
  }
};

TEST_F(HandOverTest, NextRunsStartFromWhatFaultsLeft) {
  ExploreInTurn({.leaves_temporary = true, .takes_no_leftover = true}, {"faults", "next-run"});
  EXPECT_THAT(Findings(), Contains(AllOf(StartsWith("error recoverable wedged: with "),
                                         HasSubstr("every further run fails"))));
  ASSERT_THAT(result_.findings, Not(IsEmpty()));
  EXPECT_THAT(result_.findings[0].token(), StartsWith("end/fault:"));

  ExploreInTurn({.leaves_temporary = true}, {"faults", "next-run"});
  EXPECT_THAT(Findings(), IsEmpty()) << "it takes over what is there";
  EXPECT_GE(result_.cases, 1u);
}

TEST_F(HandOverTest, ACorrectProgramIsCleanOnEveryAxisOfTheTable) {
  std::vector<std::string> before;
  for (const Axis& axis : AxisTable::BuiltIn().rows()) {
    if (axis.use == AxisUse::kByOption) continue;
    before.push_back(axis.name);
    ExploreInTurn({}, before);
    EXPECT_THAT(Findings(), IsEmpty()) << axis.name;
    EXPECT_TRUE(result_.exhaustive()) << axis.name;
  }
}

TEST_F(HandOverTest, FaultsFindALostSyncWithAndWithoutPowerCutsBefore) {
  for (const std::vector<std::string>& axes :
       std::vector<std::vector<std::string>>{{"faults"}, {"power", "faults"}}) {
    ExploreInTurn({.ignores_fsync = true}, axes);
    EXPECT_THAT(Findings(), Contains(StartsWith("error durable lost-after-error: f can be LOST")));
  }
}

}  // namespace
}  // namespace oldornew
