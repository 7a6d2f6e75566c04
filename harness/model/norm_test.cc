// docs/model.md is the norm and the program follows it. These tests hold the two together: every
// rule and every cell is written in both places, on purpose.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "model/columns.h"
#include "model/rules.h"

namespace oldornew {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string> NormLines() {
  return Split(ReadFile(std::string(OLDORNEW_SOURCE_DIR) + "/docs/model.md").value(), '\n');
}

std::string WithoutMargins(const std::string& text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The cells of the table whose header begins with `first`, by what stands in the first column.
std::map<std::string, std::vector<std::string>> TableThatBegins(const std::string& first) {
  std::map<std::string, std::vector<std::string>> rows;
  bool inside = false;
  for (const std::string& line : NormLines()) {
    if (line.rfind("| " + first + " |", 0) == 0) inside = true;
    if (inside && line.empty()) break;
    if (!inside) continue;

    std::vector<std::string> cells;
    for (const std::string& cell : Split(line, '|')) cells.push_back(WithoutMargins(cell));
    if (cells.size() > 3) rows[cells[1]] = {cells.begin() + 2, cells.end() - 1};
  }

  return rows;
}

TEST(Norm, StatesEveryRuleOnceAndNoOther) {
  std::vector<std::string> stated;
  for (const std::string& line : NormLines()) {
    const size_t end = line.find("**. ");
    if (line.rfind("**", 0) == 0 && end != std::string::npos)
      stated.push_back(line.substr(2, end - 2));
  }

  std::vector<std::string> known;
  for (const RuleInfo& rule : Rules()) known.emplace_back(rule.name);
  EXPECT_THAT(stated, UnorderedElementsAreArray(known));
}

TEST(Norm, NamesEveryColumnAndItsValues) {
  const auto table = TableThatBegins("column");
  for (const Column& column : Columns()) {
    ASSERT_TRUE(table.count(column.name)) << column.name;
    for (const ColumnValue& value : column.values) {
      // "journal" for an append into a block says nothing that NEWDATA=journal does not.
      const bool unused =
          std::string(column.name) == "TAILAPPEND" &&
          (std::string(value.text) == "stale" || std::string(value.text) == "journal");
      if (unused) continue;
      EXPECT_THAT(table.at(column.name).at(1), HasSubstr("`" + std::string(value.text) + "`"))
          << column.name;
    }
  }
}

TEST(Norm, TheTableOfRowsIsTheOneOfTheProgram) {
  const auto table = TableThatBegins("row");
  size_t rows = 0;
  for (const Profile& row : Profiles()) {
    std::vector<std::string> cells;
    for (size_t column = 0; column < Columns().size(); ++column)
      cells.push_back(CellText(row, column));
    cells.emplace_back(BasisText(row.basis));
    cells.emplace_back(row.mainstream ? "yes" : "");

    const auto found = table.find(row.name);
    const auto written = found == table.end() ? std::vector<std::string>() : found->second;
    EXPECT_EQ(written, cells) << "| " << row.name << " | " << Join(cells, " | ") << " |";
    ++rows;
  }

  EXPECT_EQ(table.size(), rows + 2) << "a row that the program does not have";
}

}  // namespace
}  // namespace oldornew
