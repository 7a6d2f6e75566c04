#include "base/toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oldornew {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Toml, KeepsLinesAndOrderOfTheDocument) {
  const auto table =
      ParseToml("zeta = 1\nalpha = 'x'\n\n[later]\nb = true\na = [1, 2.5]\n", "f.toml");
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->size(), 3u);
  EXPECT_EQ((*table)[0].first, "zeta");
  EXPECT_EQ((*table)[1].second.line, 2u);
  EXPECT_EQ((*table)[2].second.line, 4u);

  const auto& later = std::get<TomlTable>((*table)[2].second.value);
  EXPECT_EQ(later[0].first, "b");
  EXPECT_EQ(later[1].second.line, 6u);
}

TEST(Toml, ASyntaxErrorNamesFileAndLine) {
  const auto table = ParseToml("a = 1\nb = \n", "f.toml");
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error().message, HasSubstr("f.toml:2: "));
  EXPECT_EQ(table.error().exit_code, ExitCode::kUsage);
}

TEST(Toml, EveryMistakeIsReportedAtOnceWithItsLine) {
  const auto table =
      ParseToml("name = 7\nwords = ['a', 1]\nspeed = 'fast'\nextra = 1\n[inner]\n", "f.toml");
  ASSERT_TRUE(table);
  TomlProblems problems;
  TomlReader reader(*table, "the scenario", "f.toml", 1, &problems);
  EXPECT_FALSE(reader.Text("name"));
  EXPECT_THAT(reader.Texts("words"), ElementsAre());
  EXPECT_FALSE(reader.Number("speed"));
  EXPECT_NE(reader.Table("inner"), nullptr);

  reader.Finish();
  const Status status = problems.ToStatus();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            "f.toml:1: name must be a string, not an integer\n"
            "f.toml:2: words must be a string or a list of strings\n"
            "f.toml:3: speed must be a number, not a string\n"
            "f.toml:4: unknown key \"extra\" in the scenario (known: name, words, speed, inner)");
}

TEST(Toml, WhatIsRightIsReadWithoutComplaint) {
  const auto table = ParseToml(
      "name = 'n'\nwords = ['a', 'b']\nword = 'c'\nspeed = 2\ncount = 3\non = true\n[[row]]\nk = "
      "1\n",
      "f");
  ASSERT_TRUE(table);
  TomlProblems problems;
  TomlReader reader(*table, "the file", "f", 1, &problems);
  EXPECT_EQ(reader.Text("name"), "n");
  EXPECT_THAT(reader.Texts("words"), ElementsAre("a", "b"));
  EXPECT_THAT(reader.Texts("word"), ElementsAre("c"));
  EXPECT_EQ(reader.Number("speed"), 2.0);
  EXPECT_EQ(reader.Integer("count"), 3);
  EXPECT_EQ(reader.Flag("on"), true);
  ASSERT_EQ(reader.Tables("row").size(), 1u);
  EXPECT_EQ(reader.Tables("row")[0].second, 7u);
  EXPECT_EQ(reader.Text("absent"), std::nullopt);

  reader.Finish();
  EXPECT_TRUE(problems.empty());
}

}  // namespace
}  // namespace oldornew
