// TOML files of users (scenarios, baselines, profile rows). They are parsed strictly, and all
// mistakes are reported at once, each with its file and line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace oldornew {

struct TomlValue;
using TomlArray = std::vector<TomlValue>;
/// Keys in the order of the document.
using TomlTable = std::vector<std::pair<std::string, TomlValue>>;

/// A value and the line it stands on (from 1). Dates and times are kept as text, as TOML writes
/// them.
struct TomlValue {
  std::variant<std::string, int64_t, double, bool, TomlArray, TomlTable> value;
  uint32_t line = 0;

  /// "a string", "a table", ...: for messages.
  const char* KindName() const;
};

/// Errors (usage): "FILE:LINE: what is wrong".
Result<TomlTable> ParseToml(std::string_view text, const std::string& file);

/// Mistakes found in one or more files.
class TomlProblems {
 public:
  void Add(const std::string& file, uint32_t line, const std::string& message);
  bool empty() const { return lines_.empty(); }
  /// An Error of kUsage with one line for each, or success if there are none.
  Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
};

/// Takes the known keys out of one table. What is left at the end is unknown. Each getter notes a
/// problem when the value is of another kind, and then answers as if it were absent.
class TomlReader {
 public:
  /// `what` names the table in messages: "[judge]", or "the scenario" for the outermost. All must
  /// outlive this.
  TomlReader(const TomlTable& table, std::string what, std::string file, uint32_t line,
             TomlProblems* problems);

  std::optional<std::string> Text(std::string_view key);
  /// A string or a list of strings; absent: empty.
  std::vector<std::string> Texts(std::string_view key);
  std::optional<double> Number(std::string_view key);
  std::optional<int64_t> Integer(std::string_view key);
  std::optional<bool> Flag(std::string_view key);
  /// nullptr: absent.
  const TomlTable* Table(std::string_view key);
  /// Elements of [[key]] with their lines.
  std::vector<std::pair<const TomlTable*, uint32_t>> Tables(std::string_view key);
  /// Anything; nullptr: absent.
  const TomlValue* Any(std::string_view key);

  /// Line of `key`, or of the table when it is absent.
  uint32_t LineOf(std::string_view key) const;
  /// Notes a problem at `key`.
  void Complain(std::string_view key, const std::string& message);
  /// Notes a problem for every key that nobody asked for, and lists those that were asked for.
  void Finish();

  const std::string& file() const { return file_; }
  TomlProblems* problems() const { return problems_; }

 private:
  const TomlValue* Take(std::string_view key);
  template <typename T>
  const T* As(std::string_view key, const char* wanted);

  const TomlTable& table_;
  std::string what_;
  std::string file_;
  uint32_t line_;
  TomlProblems* problems_;
  std::vector<std::string> asked_;
};

}  // namespace oldornew
