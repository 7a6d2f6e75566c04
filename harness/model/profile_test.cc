// The table of profiles, its columns, and rows of a user's own.
#include "model/profile.h"

#include <gmock/gmock.h>

#include <set>

#include "base/text.h"
#include "model/columns.h"
#include "model/profile_file.h"

namespace oldornew {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Profiles, EveryRowHoldsTogetherAndEveryCellThatAppliesHasASource) {
  for (const Profile& row : Profiles()) {
    EXPECT_EQ(CheckCells(row), std::vector<std::string>{}) << row.name;
    EXPECT_NE(row.source, "") << row.name;
    for (size_t i = 0; i < Columns().size(); ++i) {
      const Column& column = Columns()[i];
      const bool off =
          std::string(column.name) == "SYNC_NOOP" || std::string(column.name) == "AFTER_CRASH";
      if (off || !DomainOf(row, i).applies()) continue;
      EXPECT_TRUE(row.cell_sources.count(column.name)) << row.name << " " << column.name;
    }
    if (row.basis == Basis::kDocumentation)
      EXPECT_THAT(row.source, HasSubstr("from documentation")) << row.name;
  }
}

// A changed cell is another table: raise ProfileTable::kNumber, then put the new version here.
TEST(Profiles, TheNumberOfTheTableIsRaisedWithEveryChangeOfACell) {
  EXPECT_EQ(ProfileTable::BuiltIn().Version(), "3-8a48a5cc");
}

TEST(Profiles, CellsComeBackFromTheirText) {
  for (const Profile& row : Profiles()) {
    const auto back = ParseCells(CellsText(row));
    ASSERT_TRUE(back.has_value()) << row.name << ": " << back.error().message;
    EXPECT_EQ(CellsDigest(*back), CellsDigest(row)) << row.name;
    EXPECT_EQ(CellsText(*back), CellsText(row));
  }
  const auto wrong =
      ParseCells("NEWDATA=after NEWDATA2=zero TRUNC=torn REUSE=after_commit META_ORDER=none");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_THAT(wrong.error().message, HasSubstr("NEWDATA has no value \"after\""));
  EXPECT_THAT(wrong.error().message, HasSubstr("\"NEWDATA2=zero\" is no cell"));
}

TEST(Profiles, EveryChangeOfACellGivesARowThatHoldsTogetherAndIsAnother) {
  for (const Profile& row : Profiles()) {
    for (size_t column = 0; column < Columns().size(); ++column) {
      for (int value : DomainOf(row, column).values) {
        Profile changed = row;
        Columns()[column].set(&changed, value);
        Complete(&changed, column);
        EXPECT_EQ(CheckCells(changed), std::vector<std::string>{})
            << row.name << " " << Columns()[column].name;
        EXPECT_EQ(CellsDigest(changed) == CellsDigest(row), value == Columns()[column].get(row))
            << row.name << " " << Columns()[column].name;
      }
    }
  }
}

TEST(Profiles, SetsAndUnknownNames) {
  const auto mainstream = SelectProfiles({"mainstream"});
  ASSERT_TRUE(mainstream.has_value());
  EXPECT_EQ(mainstream->size(), 13u);
  for (const Profile* row : *mainstream) EXPECT_FALSE(row->sync_noop) << row->name;
  const auto all = SelectProfiles({"xfs", "all", "tmpfs", "xfs"});
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ((*all)[0]->name, "xfs");
  EXPECT_EQ(all->back()->name, "tmpfs");
  EXPECT_EQ(std::set<const Profile*>(all->begin(), all->end()).size(), all->size());
  const auto unknown = SelectProfiles({"ext5", "xfs", "zfs"});
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().exit_code, ExitCode::kUsage);
  EXPECT_THAT(unknown.error().message, HasSubstr("ext5 or zfs"));
  EXPECT_THAT(unknown.error().message, HasSubstr("btrfs,notreelog"));
}

TEST(ProfileFile, ARowIsBasedOnAnotherWithSomeCellsChanged) {
  const auto table = ParseProfileFile(R"(
[[profile]]
name = "younger"
based-on = "older"
source = "a guess"
mainstream = true
cells.TRUNC = "atomic"

[[profile]]
name = "older"
based-on = "ext4"
source = "the manual"
[profile.cells]
NEWDATA = { value = "after_io", source = "page 7" }
FSYNC_DIR = "prefix"
)",
                                      "own.toml");
  ASSERT_TRUE(table.has_value()) << table.error().message;
  const Profile* younger = table->Find("younger");
  ASSERT_NE(younger, nullptr);
  EXPECT_EQ(younger->basis, Basis::kUser);
  EXPECT_EQ(younger->new_data, NewData::kAfterIo);
  EXPECT_EQ(younger->replace, Writeback::kNone);  // startwb decides nothing there
  EXPECT_EQ(younger->trunc, TruncRule::kAtomic);
  EXPECT_EQ(younger->fsync_dir, FsyncDir::kPrefix);
  EXPECT_EQ(younger->cell_sources.at("NEWDATA"), "page 7");
  EXPECT_EQ(younger->cell_sources.at("TRUNC"), "a guess");
  EXPECT_EQ(younger->cell_sources.at("OVERWRITE"),
            FindProfile("ext4")->cell_sources.at("OVERWRITE"));
  const auto mainstream = table->Select({"mainstream"});
  EXPECT_EQ(mainstream->back()->name, "younger");
  EXPECT_EQ(mainstream->size(), 14u);
  EXPECT_EQ(table->Version().find(ProfileTable::BuiltIn().Version()), 0u);
  EXPECT_NE(table->Version(), ProfileTable::BuiltIn().Version());
}

TEST(ProfileFile, AllErrorsAreSaidAtOnceWithTheirLines) {
  const auto table = ParseProfileFile(R"(colour = "red"
[[profile]]
name = "xfs"
source = "taken"
[[profile]]
name = "two words"
based-on = "ext5"
[[profile]]
name = "a"
based-on = "b"
source = "s"
cells.NEWDATUM = "zero"
cells.NEWDATA = "nought"
flavour = 3
[[profile]]
name = "b"
based-on = "a"
source = "s"
[[profile]]
name = "c"
based-on = "xfs"
source = 7
mainstream = "yes"
cells.REPL = "startwb"
cells.DIRMOVE = { value = "y", sauce = "s" }
)",
                                      "own.toml");
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().exit_code, ExitCode::kUsage);
  const std::string& m = table.error().message;
  for (const char* line :
       {"own.toml:1: unknown key \"colour\"", "own.toml:2: there is a row xfs already",
        "own.toml:5: a row without a source", "own.toml:5: \"two words\" cannot be the name",
        "own.toml:5: two words is based on ext5, which is no row",
        "own.toml:12: there is no column \"NEWDATUM\"",
        "own.toml:13: NEWDATA has no value \"nought\"", "own.toml:14: unknown key \"flavour\"",
        "is based on itself", "own.toml:22: source must be a string",
        "own.toml:23: mainstream must be true or false", "own.toml:24: REPL=startwb does not fit",
        "own.toml:25: DIRMOVE=y does not fit", "own.toml:25: unknown key \"sauce\""}) {
    EXPECT_THAT(m, HasSubstr(line));
  }
  // In the order of the lines.
  int before = 0;
  for (const std::string& line : Split(m, '\n')) {
    const int number = std::atoi(line.c_str() + std::string("own.toml:").size());
    EXPECT_GE(number, before) << line;
    before = number;
  }
}

TEST(ProfileFile, WhatIsNotTomlOrHoldsNoRowIsAnError) {
  const auto syntax = ParseProfileFile("[[profile]]\nname = \n", "own.toml");
  ASSERT_FALSE(syntax.has_value());
  EXPECT_THAT(syntax.error().message, HasSubstr("own.toml:2: "));
  const auto empty = ParseProfileFile("", "own.toml");
  ASSERT_FALSE(empty.has_value());
  EXPECT_THAT(empty.error().message, HasSubstr("no [[profile]]"));
  EXPECT_FALSE(ParseProfileFile("profile = 3", "own.toml").has_value());
}

}  // namespace
}  // namespace oldornew
