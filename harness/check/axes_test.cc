#include "check/axes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace oldornew {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const AxisTable& BuiltIn() { return AxisTable::BuiltIn(); }

TEST(Axes, NoNameStandsTwiceAndEachHasAnExplorer) {
  std::set<std::string> names;
  for (const Axis& axis : BuiltIn().rows()) {
    EXPECT_TRUE(names.insert(axis.name).second) << axis.name;
    EXPECT_THAT(axis.name, Not(HasSubstr(" "))) << "it is a word of options and a key of TOML";
    ASSERT_TRUE(axis.make) << axis.name;
    EXPECT_NE(axis.make({}), nullptr) << axis.name;
  }
}

TEST(Axes, WhatCanBeLeftOutSaysWhatIsMissingThen) {
  for (const Axis& axis : BuiltIn().rows()) {
    EXPECT_EQ(axis.without.empty(), axis.use != AxisUse::kByDefault) << axis.name;
  }
}

TEST(Axes, ThoseThatTakeFromOthersStandAfterThem) {
  const auto place = [](const std::string& name) {
    const Axis* axis = BuiltIn().Find(name);
    EXPECT_NE(axis, nullptr) << name;
    return axis - BuiltIn().rows().data();
  };
  EXPECT_LT(place("power"), place("faults"));
  EXPECT_LT(place("power"), place("vary-old"));
  EXPECT_LT(place("faults"), place("next-run"));
  EXPECT_LT(place("kill"), place("next-run"));
}

TEST(Axes, DefaultsAreWhatCheckExploresWhenNobodyChooses) {
  EXPECT_THAT(BuiltIn().Defaults(), UnorderedElementsAre("power", "faults", "kill", "next-run"));
  EXPECT_THAT(BuiltIn().Choosable(), ElementsAre("power", "faults", "kill", "next-run"));
}

TEST(Axes, NamesAreInTheOrderOfTheTable) {
  EXPECT_EQ(BuiltIn().Names({"next-run", "kill", "power"}), "power, kill, next-run");
  EXPECT_EQ(BuiltIn().Names({"no-such"}), "");
}

TEST(Axes, KeysAreAllThatDoNotDependOnTheFileSystem) {
  for (const Axis& axis : BuiltIn().rows())
    EXPECT_EQ(BuiltIn().IsKey(axis.name), axis.name != "power" && axis.name != "run") << axis.name;
  EXPECT_FALSE(BuiltIn().IsKey("ext4"));
}

TEST(Axes, AChoiceThatThereIsNotIsAMistakeThatNamesTheKnownOnes) {
  for (const std::string& name : BuiltIn().Choosable())
    EXPECT_EQ(BuiltIn().ParseChoice(name).value_or(""), name);
  for (const char* name : {"", "powre", "Power", "run", "vary-old"}) {
    const auto choice = BuiltIn().ParseChoice(name);
    ASSERT_FALSE(choice) << name;
    EXPECT_EQ(choice.error().exit_code, ExitCode::kUsage);
    for (const std::string& known : BuiltIn().Choosable())
      EXPECT_THAT(choice.error().message, HasSubstr(known)) << name;
  }
}

TEST(Axes, ARowOfOnesOwnIsKnownLikeTheOthers) {
  std::vector<Axis> rows = BuiltIn().rows();
  rows.push_back({"mine", AxisUse::kOnRequest, AxisRuns::kNever, "", {}});
  const AxisTable table(std::move(rows));
  EXPECT_TRUE(table.IsKey("mine"));
  EXPECT_THAT(table.Choosable(), Contains("mine"));
  EXPECT_THAT(table.Defaults(), Not(Contains("mine")));
  EXPECT_TRUE(table.ParseChoice("mine"));
}

}  // namespace
}  // namespace oldornew
