// profiles: the table of file systems: what each row says, and how that is known.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "model/columns.h"

namespace oldornew {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kWidth = 110;

std::string SourceOf(const Profile& row, const Column& column) {
  auto found = row.cell_sources.find(column.name);
  return found == row.cell_sources.end() ? row.source : found->second;
}

// SYNC_NOOP and AFTER_CRASH say something only where they are set.
bool Usual(const Profile& row, size_t i) {
  const Column& column = Columns()[i];
  const bool flag =
      column.name == std::string("SYNC_NOOP") || column.name == std::string("AFTER_CRASH");
  return flag && column.get(row) == 0;
}

std::string Cells(const Profile& row) {
  std::vector<std::string> words;
  for (size_t i = 0; i < Columns().size(); ++i) {
    if (DomainOf(row, i).applies() && !Usual(row, i))
      words.push_back(fmt::format("{}={}", Columns()[i].name, CellText(row, i)));
  }
  return Join(words, " ");
}

std::string Heading(const Profile& row) {
  std::string text = fmt::format("{}  [{}{}]", row.name, BasisText(row.basis),
                                 row.mainstream ? ", mainstream" : "");
  if (!row.based_on.empty()) text += ", as " + row.based_on;
  return text;
}

std::string Listing(const ProfileTable& table) {
  std::string out = fmt::format(
      "profile table {}; `oldornew profiles ROW` says what each cell means and where it comes "
      "from\n",
      table.Version());
  for (const Profile* row : table.rows()) {
    out += fmt::format("\n{}\n    {}\n    source: {}\n", Heading(*row),
                       Wrap(Cells(*row), kWidth - 4, "    "),
                       Wrap(row->source, kWidth - 12, "            "));
  }
  return out;
}

std::string OneRow(const Profile& row) {
  std::string out =
      fmt::format("{}\nsource: {}\n", Heading(row), Wrap(row.source, kWidth - 8, "        "));
  for (size_t i = 0; i < Columns().size(); ++i) {
    const Column& column = Columns()[i];
    if (Usual(row, i)) continue;
    const Domain domain = DomainOf(row, i);
    const ColumnValue& value = column.values[static_cast<size_t>(column.get(row))];
    out += fmt::format("\n{} = {}\n", column.name, CellText(row, i));
    out += fmt::format("    {}\n", Wrap(column.meaning, kWidth - 4, "    "));
    if (!domain.applies()) {
      out += fmt::format("    {}\n", Wrap("does not apply: " + domain.because, kWidth - 4, "    "));
      continue;
    }
    out += fmt::format("    here: {}\n    source: {}\n",
                       Wrap(value.meaning, kWidth - 10, "          "),
                       Wrap(SourceOf(row, column), kWidth - 12, "            "));
  }
  return out;
}

Json RowJson(const Profile& row) {
  Json cells = Json::object();
  for (size_t i = 0; i < Columns().size(); ++i) {
    const Column& column = Columns()[i];
    const Domain domain = DomainOf(row, i);
    Json cell;
    if (domain.applies()) {
      const ColumnValue& value = column.values[static_cast<size_t>(column.get(row))];
      cell = {{"value", value.text}, {"meaning", value.meaning}, {"source", SourceOf(row, column)}};
    } else {
      cell = {{"value", nullptr}, {"meaning", "does not apply: " + domain.because}};
    }
    cells[column.name] = std::move(cell);
  }
  return {{"name", row.name},
          {"based_on", row.based_on},
          {"basis", BasisText(row.basis)},
          {"mainstream", row.mainstream},
          {"source", row.source},
          {"cells", std::move(cells)}};
}

Json TableJson(const ProfileTable& table, const std::string& only) {
  Json columns = Json::array();
  for (const Column& column : Columns()) {
    Json values = Json::object();
    for (const ColumnValue& value : column.values) values[value.text] = value.meaning;
    columns.push_back(
        {{"name", column.name}, {"meaning", column.meaning}, {"values", std::move(values)}});
  }
  Json rows = Json::array();
  for (const Profile* row : table.rows()) {
    if (only.empty() || row->name == only) rows.push_back(RowJson(*row));
  }
  return {{"profile_table", table.Version()},
          {"columns", std::move(columns)},
          {"rows", std::move(rows)}};
}

}  // namespace

Result<ExitCode> RunProfiles(const Options& options) {
  ASSIGN_OR_RETURN(const ProfileTable table, LoadProfiles(options));
  if (!options.input.empty() && table.Find(options.input) == nullptr) {
    ASSIGN_OR_RETURN(const auto never, table.Select({options.input}));
    return FailWith(ExitCode::kUsage, "{} is a set of {} rows; name one of them", options.input,
                    never.size());
  }
  if (options.json) {
    std::fputs((TableJson(table, options.input).dump(2) + "\n").c_str(), stdout);
  } else {
    std::fputs(
        (options.input.empty() ? Listing(table) : OneRow(*table.Find(options.input))).c_str(),
        stdout);
  }
  return ExitCode::kClean;
}

}  // namespace oldornew
