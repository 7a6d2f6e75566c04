#include "model/profile_file.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "base/toml.h"

namespace oldornew {
namespace {

CellSpec ReadCell(const std::string& column, const TomlValue& value, const TomlReader& row) {
  CellSpec cell;
  cell.column = column;
  cell.line = static_cast<int>(value.line);
  if (const auto* text = std::get_if<std::string>(&value.value)) {
    cell.value = *text;
  } else if (const auto* full = std::get_if<TomlTable>(&value.value)) {
    TomlReader reader(*full, "the cell " + column, row.file(), value.line, row.problems());
    cell.value = reader.Text("value").value_or("");
    cell.source = reader.Text("source").value_or("");
    reader.Finish();
  } else {
    row.problems()->Add(row.file(), value.line,
                        fmt::format("{} must be a string, or a table of value and source, not {}",
                                    column, value.KindName()));
  }

  return cell;
}

RowSpec ReadRow(const TomlTable& table, uint32_t line, const std::string& file,
                TomlProblems* problems) {
  TomlReader reader(table, "[[profile]]", file, line, problems);
  RowSpec spec;
  spec.line = static_cast<int>(line);
  const auto name = reader.Text("name");
  spec.name = name.value_or("");
  spec.based_on = reader.Text("based-on").value_or("");
  spec.source = reader.Text("source").value_or("");
  spec.mainstream = reader.Flag("mainstream").value_or(false);
  if (!name) problems->Add(file, line, "a row without a name");
  if (spec.source.empty())
    problems->Add(file, line, "a row without a source: say why it is believed");
  if (const TomlTable* cells = reader.Table("cells")) {
    for (const auto& [column, value] : *cells) {
      CellSpec cell = ReadCell(column, value, reader);
      if (!cell.value.empty()) spec.cells.push_back(std::move(cell));
    }
  }

  reader.Finish();
  return spec;
}

}  // namespace

Result<ProfileTable> ParseProfileFile(std::string_view text, const std::string& file) {
  ASSIGN_OR_RETURN(const TomlTable root, ParseToml(text, file));
  TomlProblems problems;
  TomlReader reader(root, "a file of profiles", file, 1, &problems);
  std::vector<RowSpec> rows;
  for (const auto& [table, line] : reader.Tables("profile")) {
    rows.push_back(ReadRow(*table, line, file, &problems));
    if (rows.back().name.empty()) rows.pop_back();  // it cannot even be spoken of
  }

  reader.Finish();
  if (rows.empty() && problems.empty()) problems.Add(file, 1, "no [[profile]] in this file");
  ProfileTable table = ProfileTable::BuiltIn();
  const Status read = problems.ToStatus();
  const Status added = table.Add(rows, file);
  if (read && added) return table;
  std::vector<std::string> lines;
  for (const Status* status : {&read, &added}) {
    if (*status) continue;
    for (std::string& line : Split(status->error().message, '\n')) lines.push_back(std::move(line));
  }

  const auto number = [&](const std::string& line) {
    return std::atoi(line.c_str() + file.size() + 1);
  };
  std::stable_sort(lines.begin(), lines.end(), [&](const std::string& a, const std::string& b) {
    return number(a) < number(b);
  });
  return FailWith(ExitCode::kUsage, "{}", Join(lines, "\n"));
}

}  // namespace oldornew
