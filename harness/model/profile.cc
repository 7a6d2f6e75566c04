#include "model/profile.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "model/columns.h"
#include "model/profile_table.h"

namespace oldornew {
namespace {

// Names stand between slashes in tokens and between spaces in bundles.
bool IsName(const std::string& name) {
  const auto bad = [](unsigned char c) { return c <= ' ' || c == '/' || c == 0x7f; };
  return !name.empty() && std::none_of(name.begin(), name.end(), bad) && name != "mainstream" &&
         name != "all";
}

// Makes rows of their specifications: each one's base first, wherever in the list it stands.
class Resolver {
 public:
  using Find = std::function<const Profile*(const std::string&)>;
  Resolver(const std::vector<RowSpec>& specs, std::string file, Find known)
      : specs_(specs), file_(std::move(file)), known_(std::move(known)) {}

  Result<std::vector<std::shared_ptr<const Profile>>> Run() {
    for (const RowSpec& spec : specs_) {
      if (!IsName(spec.name)) {
        Complain(spec.line,
                 "{} cannot be the name of a row: no spaces, no slashes, not mainstream, not all",
                 Quote(spec.name));
      } else if (known_(spec.name) != nullptr || !by_name_.emplace(spec.name, &spec).second) {
        Complain(spec.line, "there is a row {} already", spec.name);
      }
    }

    std::vector<std::shared_ptr<const Profile>> rows;
    for (const RowSpec& spec : specs_) {
      const Profile* row = Make(spec);
      if (row != nullptr) rows.push_back(std::make_shared<Profile>(*row));
    }

    if (!wrong_.empty()) {
      std::stable_sort(wrong_.begin(), wrong_.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      std::vector<std::string> lines;
      for (const auto& [line, sentence] : wrong_) lines.push_back(sentence);
      return FailWith(ExitCode::kUsage, "{}", Join(lines, "\n"));
    }

    return rows;
  }

 private:
  template <typename... Args>
  void Complain(int line, fmt::format_string<Args...> format, Args&&... args) {
    wrong_.emplace_back(line, fmt::format("{}:{}: {}", file_, line,
                                          fmt::format(format, std::forward<Args>(args)...)));
  }

  // The row, or null when something was wrong with it or its base.
  const Profile* Make(const RowSpec& spec) {
    if (auto made = made_.find(&spec); made != made_.end()) return made->second.get();
    if (!open_.insert(&spec).second) {
      Complain(spec.line, "{} is based on itself", spec.name);
      return nullptr;
    }

    const Profile* base = nullptr;
    if (!spec.based_on.empty()) {
      const auto own = by_name_.find(spec.based_on);
      base = own != by_name_.end() ? Make(*own->second) : known_(spec.based_on);
      if (base == nullptr && own == by_name_.end())
        Complain(spec.line, "{} is based on {}, which is no row", spec.name, spec.based_on);
    }

    Profile profile = base == nullptr ? Profile() : *base;
    if (spec.based_on.empty()) Complete(&profile, 0);
    profile.name = spec.name;
    profile.based_on = spec.based_on;
    profile.basis = spec.basis;
    profile.mainstream = spec.mainstream;
    profile.source = spec.source;
    const bool good = SetCells(spec, &profile);
    auto& row = made_[&spec];
    if (good && (spec.based_on.empty() || base != nullptr))
      row = std::make_unique<Profile>(std::move(profile));
    return row.get();
  }

  bool SetCells(const RowSpec& spec, Profile* profile) {
    std::map<size_t, std::pair<int, const CellSpec*>> cells;
    bool good = true;
    for (const CellSpec& cell : spec.cells) {
      const int column = FindColumn(cell.column);
      if (column < 0) {
        std::vector<std::string> names;
        for (const Column& c : Columns()) names.emplace_back(c.name);
        Complain(cell.line, "there is no column {}; there are {}", Quote(cell.column),
                 Join(names, ", "));
        good = false;
        continue;
      }
      std::vector<std::string> texts;
      for (const ColumnValue& v : Columns()[static_cast<size_t>(column)].values)
        texts.emplace_back(v.text);
      const auto value = std::find(texts.begin(), texts.end(), cell.value);
      if (value == texts.end()) {
        Complain(cell.line, "{} has no value {}; it is one of {}", cell.column, Quote(cell.value),
                 Join(texts, ", "));
        good = false;
        continue;
      }
      cells[static_cast<size_t>(column)] = {static_cast<int>(value - texts.begin()), &cell};
    }

    // Cells before a changed one stand; those behind it that it makes impossible fall back, unless
    // given.
    for (const auto& [column, chosen] : cells) {
      const auto& [value, cell] = chosen;
      const Domain domain = DomainOf(*profile, column);
      Columns()[column].set(profile, value);
      if (!domain.Contains(value)) {
        for (const std::string& sentence : CheckCells(*profile)) {
          if (sentence.rfind(cell->column + "=", 0) == 0) Complain(cell->line, "{}", sentence);
        }
        Columns()[column].set(profile, domain.values[0]);
        good = false;
      }
      Complete(profile, column);
      profile->cell_sources[cell->column] = cell->source.empty() ? spec.source : cell->source;
    }

    return good;
  }

  const std::vector<RowSpec>& specs_;
  const std::string file_;
  const Find known_;
  std::map<std::string, const RowSpec*> by_name_;
  std::map<const RowSpec*, std::unique_ptr<Profile>> made_;
  std::set<const RowSpec*> open_;
  std::vector<std::pair<int, std::string>> wrong_;
};

Digest TableDigest(const std::vector<std::shared_ptr<const Profile>>& rows, size_t first,
                   size_t last) {
  Hasher hasher;
  for (size_t i = first; i < last; ++i)
    hasher.Add(rows[i]->name)
        .Add(CellsDigest(*rows[i]))
        .Add(static_cast<uint64_t>(rows[i]->mainstream));
  return hasher.Finish();
}

}  // namespace

const char* BasisText(Basis basis) {
  constexpr const char* kText[] = {"observed", "contract", "from documentation", "by construction",
                                   "user's own"};
  return kText[static_cast<int>(basis)];
}

const ProfileTable& ProfileTable::BuiltIn() {
  static const ProfileTable table = [] {
    ProfileTable built;
    const Status added = built.Add(BuiltInRows(), "built-in");
    CHECK(added.has_value());
    built.built_in_ = built.rows_.size();
    return built;
  }();
  return table;
}

Status ProfileTable::Add(const std::vector<RowSpec>& rows, const std::string& file) {
  Resolver resolver(rows, file, [this](const std::string& name) { return Find(name); });
  ASSIGN_OR_RETURN(const auto made, resolver.Run());
  rows_.insert(rows_.end(), made.begin(), made.end());
  return {};
}

std::vector<const Profile*> ProfileTable::rows() const {
  std::vector<const Profile*> out;
  for (const auto& row : rows_) out.push_back(row.get());
  return out;
}

const Profile* ProfileTable::Find(std::string_view name) const {
  for (const auto& row : rows_) {
    if (row->name == name) return row.get();
  }
  return nullptr;
}

Result<std::vector<const Profile*>> ProfileTable::Select(
    const std::vector<std::string>& names) const {
  std::vector<const Profile*> selected;
  std::vector<std::string> unknown;
  auto add = [&](const Profile* p) {
    if (std::find(selected.begin(), selected.end(), p) == selected.end()) selected.push_back(p);
  };
  for (const std::string& name : names) {
    if (name == "mainstream" || name == "all") {
      for (const auto& row : rows_) {
        if (name == "all" ? !row->sync_noop : row->mainstream) add(row.get());
      }
    } else if (const Profile* p = Find(name)) {
      add(p);
    } else {
      unknown.push_back(name);
    }
  }

  if (unknown.empty()) return selected;
  std::vector<std::string> known = {"mainstream", "all"};
  for (const auto& row : rows_) known.push_back(row->name);
  return FailWith(ExitCode::kUsage, "no profile is called {}; known are {}", Join(unknown, " or "),
                  Join(known, ", "));
}

std::string ProfileTable::Version() const {
  std::string version = fmt::format("{}-{}", kNumber, TableDigest(rows_, 0, built_in_).Short());
  if (rows_.size() > built_in_)
    version += "+" + TableDigest(rows_, built_in_, rows_.size()).Short();
  return version;
}

std::vector<std::reference_wrapper<const Profile>> Profiles() {
  std::vector<std::reference_wrapper<const Profile>> out;
  for (const Profile* row : ProfileTable::BuiltIn().rows()) out.emplace_back(*row);
  return out;
}

const Profile* FindProfile(std::string_view name) { return ProfileTable::BuiltIn().Find(name); }

Result<std::vector<const Profile*>> SelectProfiles(const std::vector<std::string>& names) {
  return ProfileTable::BuiltIn().Select(names);
}

}  // namespace oldornew
