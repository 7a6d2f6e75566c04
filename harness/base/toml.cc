#include "base/toml.h"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "base/text.h"

namespace oldornew {

namespace {

TomlValue Convert(const toml::node& node);

TomlTable ConvertTable(const toml::table& table) {
  TomlTable out;
  for (const auto& [key, node] : table) {
    out.emplace_back(std::string(key.str()), Convert(node));

    // A table has the position of its header. Dotted and inline tables have no position.
    if (out.back().second.line == 0) out.back().second.line = key.source().begin.line;
  }

  // toml++ sorts by key, but people read by line.
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.second.line < b.second.line; });
  return out;
}

TomlValue Convert(const toml::node& node) {
  TomlValue out;
  out.line = node.source().begin.line;

  if (const auto* table = node.as_table()) {
    out.value = ConvertTable(*table);
  } else if (const auto* array = node.as_array()) {
    TomlArray elements;
    for (const toml::node& element : *array) elements.push_back(Convert(element));
    out.value = std::move(elements);
  } else if (const auto* text = node.as_string()) {
    out.value = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.value = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    out.value = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    out.value = flag->get();
  } else {
    std::ostringstream stream;
    if (const auto* date = node.as_date()) stream << date->get();
    if (const auto* time = node.as_time()) stream << time->get();
    if (const auto* both = node.as_date_time()) stream << both->get();
    out.value = stream.str();
  }

  return out;
}

}  // namespace

const char* TomlValue::KindName() const {
  static constexpr const char* kNames[] = {"a string",      "an integer", "a number",
                                           "true or false", "a list",     "a table"};
  return kNames[value.index()];
}

Result<TomlTable> ParseToml(std::string_view text, const std::string& file) {
  // The packaged library uses exceptions. None leaves this function.
  try {
    return ConvertTable(toml::parse(text, file));
  } catch (const toml::parse_error& error) {
    return FailWith(ExitCode::kUsage, "{}:{}: {}", file, error.source().begin.line,
                    error.description());
  }
}

void TomlProblems::Add(const std::string& file, uint32_t line, const std::string& message) {
  lines_.push_back(fmt::format("{}:{}: {}", file, line, message));
}

Status TomlProblems::ToStatus() const {
  if (lines_.empty()) return {};
  return FailWith(ExitCode::kUsage, "{}", Join(lines_, "\n"));
}

TomlReader::TomlReader(const TomlTable& table, std::string what, std::string file, uint32_t line,
                       TomlProblems* problems)
    : table_(table),
      what_(std::move(what)),
      file_(std::move(file)),
      line_(line),
      problems_(problems) {}

const TomlValue* TomlReader::Take(std::string_view key) {
  asked_.emplace_back(key);
  const auto found =
      std::find_if(table_.begin(), table_.end(), [&](const auto& e) { return e.first == key; });
  return found == table_.end() ? nullptr : &found->second;
}

template <typename T>
const T* TomlReader::As(std::string_view key, const char* wanted) {
  const TomlValue* value = Take(key);
  if (value == nullptr) return nullptr;
  if (const T* held = std::get_if<T>(&value->value)) return held;
  Complain(key, fmt::format("{} must be {}, not {}", key, wanted, value->KindName()));
  return nullptr;
}

std::optional<std::string> TomlReader::Text(std::string_view key) {
  const auto* held = As<std::string>(key, "a string");
  return held == nullptr ? std::nullopt : std::optional(*held);
}

std::vector<std::string> TomlReader::Texts(std::string_view key) {
  const TomlValue* value = Take(key);
  if (value == nullptr) return {};
  if (const auto* one = std::get_if<std::string>(&value->value)) return {*one};

  std::vector<std::string> out;
  if (const auto* list = std::get_if<TomlArray>(&value->value)) {
    for (const TomlValue& element : *list) {
      if (const auto* text = std::get_if<std::string>(&element.value)) out.push_back(*text);
    }
    if (out.size() == list->size()) return out;
  }

  Complain(key, fmt::format("{} must be a string or a list of strings", key));
  return {};
}

std::optional<double> TomlReader::Number(std::string_view key) {
  const TomlValue* value = Take(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* number = std::get_if<double>(&value->value)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&value->value))
    return static_cast<double>(*integer);
  Complain(key, fmt::format("{} must be a number, not {}", key, value->KindName()));
  return std::nullopt;
}

std::optional<int64_t> TomlReader::Integer(std::string_view key) {
  const auto* held = As<int64_t>(key, "an integer");
  return held == nullptr ? std::nullopt : std::optional(*held);
}

std::optional<bool> TomlReader::Flag(std::string_view key) {
  const auto* held = As<bool>(key, "true or false");
  return held == nullptr ? std::nullopt : std::optional(*held);
}

const TomlTable* TomlReader::Table(std::string_view key) { return As<TomlTable>(key, "a table"); }

std::vector<std::pair<const TomlTable*, uint32_t>> TomlReader::Tables(std::string_view key) {
  const auto* list = As<TomlArray>(key, "a list of tables");
  std::vector<std::pair<const TomlTable*, uint32_t>> out;
  if (list == nullptr) return out;

  for (const TomlValue& element : *list) {
    if (std::holds_alternative<TomlTable>(element.value)) continue;
    problems_->Add(file_, element.line, fmt::format("{} must hold tables only", key));
    return out;
  }

  for (const TomlValue& element : *list)
    out.emplace_back(&std::get<TomlTable>(element.value), element.line);
  return out;
}

const TomlValue* TomlReader::Any(std::string_view key) { return Take(key); }

uint32_t TomlReader::LineOf(std::string_view key) const {
  const auto found =
      std::find_if(table_.begin(), table_.end(), [&](const auto& e) { return e.first == key; });
  return found == table_.end() ? line_ : found->second.line;
}

void TomlReader::Complain(std::string_view key, const std::string& message) {
  problems_->Add(file_, LineOf(key), message);
}

void TomlReader::Finish() {
  for (const auto& [key, value] : table_) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    problems_->Add(
        file_, value.line,
        fmt::format("unknown key {} in {} (known: {})", Quote(key), what_, Join(asked_, ", ")));
  }
}

}  // namespace oldornew
