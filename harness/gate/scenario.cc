#include "gate/scenario.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "base/text.h"

namespace oldornew {

namespace {

constexpr std::string_view kSuffix = ".toml";

// [old]: PATH = "content", or PATH = { text = ..., mode = "0644" }, { link = "target" }, {
// directory = true }.
class OldTreeReader {
 public:
  OldTreeReader(std::string file, TomlProblems* problems)
      : file_(std::move(file)), problems_(problems) {}

  FileTree Read(const TomlTable& table) {
    for (const auto& [path, value] : table) Add(path, value);
    return std::move(tree_);
  }

 private:
  void Complain(uint32_t line, const std::string& message) { problems_->Add(file_, line, message); }

  void Add(const std::string& path, const TomlValue& value) {
    Inode inode;
    if (const auto* text = std::get_if<std::string>(&value.value)) {
      inode.content = Content::FromBytes(*text);
    } else if (const auto* table = std::get_if<TomlTable>(&value.value)) {
      inode = ReadEntry(path, *table, value.line);
    } else {
      Complain(value.line, fmt::format("{} must be the file's text or a table", Quote(path)));
      return;
    }
    Place(path, std::move(inode), value.line);
  }

  Inode ReadEntry(const std::string& path, const TomlTable& table, uint32_t line) {
    TomlReader reader(table, "an entry of [old]", file_, line, problems_);
    Inode inode;
    const auto text = reader.Text("text");
    const auto link = reader.Text("link");
    const bool directory = reader.Flag("directory").value_or(false);
    const auto mode = reader.Text("mode");
    reader.Finish();
    if (text.has_value() + link.has_value() + directory != 1)
      Complain(line, fmt::format("{} needs one of: text, link, directory = true", Quote(path)));
    inode.mode = directory ? 0755 : 0644;
    if (text) inode.content = Content::FromBytes(*text);
    if (link) {
      inode.kind = FileKind::kSymlink;
      inode.target = *link;
      inode.mode = 0777;
    }
    if (directory) inode.kind = FileKind::kDirectory;
    if (mode) {
      char* end = nullptr;
      const unsigned long value = std::strtoul(mode->c_str(), &end, 8);
      if (mode->empty() || *end != '\0' || value > 07777 || link) {
        Complain(
            reader.LineOf("mode"),
            fmt::format("mode {} must be octal, as in \"0644\", and not of a link", Quote(*mode)));
      } else {
        inode.mode = static_cast<uint32_t>(value);
      }
    }
    return inode;
  }

  void Place(const std::string& path, Inode inode, uint32_t line) {
    InodeIndex at = tree_.roots()[0];
    const std::vector<std::string> parts = Split(path, '/');
    for (size_t i = 0; i < parts.size(); ++i) {
      const std::string& part = parts[i];
      if (part.empty() || part == "." || part == "..") {
        Complain(line,
                 fmt::format("{} must be a plain path below the judged directory", Quote(path)));
        return;
      }
      const auto found = tree_.at(at).entries.find(part);
      const bool there = found != tree_.at(at).entries.end();
      const bool last = i + 1 == parts.size();
      if (there && (last || tree_.at(found->second).kind != FileKind::kDirectory)) {
        Complain(line, fmt::format("{} stands twice, or lies below something that is no directory",
                                   Quote(path)));
        return;
      }
      if (there) {
        at = found->second;
        continue;
      }
      Inode made;
      made.kind = FileKind::kDirectory;
      made.mode = 0755;
      const InodeIndex index = tree_.Add(last ? std::move(inode) : std::move(made));
      tree_.at(at).entries[part] = index;
      at = index;
    }
  }

  std::string file_;
  TomlProblems* problems_;
  FileTree tree_;
};

std::vector<ScenarioOption> ReadOptions(const TomlTable& table, const std::string& file,
                                        uint32_t line, TomlProblems* problems) {
  TomlReader reader(table, "[options]", file, line, problems);
  std::vector<ScenarioOption> out;
  for (const auto& [name, value] : table) {
    ScenarioOption option{name, {}, value.line};
    if (const auto* flag = std::get_if<bool>(&value.value)) {
      if (*flag) out.push_back(std::move(option));
      continue;
    }
    if (const auto* integer = std::get_if<int64_t>(&value.value)) {
      option.values = {fmt::format("{}", *integer)};
    } else if (const auto* number = std::get_if<double>(&value.value)) {
      option.values = {fmt::format("{}", *number)};
    } else {
      option.values = reader.Texts(name);
      if (option.values.empty()) continue;
    }
    out.push_back(std::move(option));
  }
  return out;
}

std::vector<std::string> ReadRun(TomlReader& reader) {
  const TomlValue* run = reader.Any("run");
  if (run == nullptr) {
    reader.Complain("run", "a scenario needs run: a list of words, or one text for the shell");
    return {};
  }
  if (const auto* text = std::get_if<std::string>(&run->value)) return {"sh", "-c", *text};
  std::vector<std::string> words = reader.Texts("run");
  if (words.empty()) reader.Complain("run", "run is empty");
  return words;
}

Result<std::vector<std::string>> FilesOf(const std::string& path) {
  struct stat st{};
  if (stat(path.c_str(), &st) != 0)
    return FailWith(ExitCode::kUsage, "{}: {}", path, ErrnoText(errno));
  if (!S_ISDIR(st.st_mode)) return std::vector<std::string>{path};
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    if (entry.path().extension() == kSuffix)
      out.push_back(JoinPath(path, entry.path().filename().string()));
  }
  if (error) return FailWith(ExitCode::kUsage, "{}: {}", path, error.message());
  if (out.empty())
    return FailWith(ExitCode::kUsage, "{}: there is no scenario (*.toml) in it", path);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Scenario ReadScenario(const TomlTable& table, const std::string& file, const AxisTable& axes,
                      TomlProblems* problems) {
  TomlReader reader(table, "a scenario", file, 1, problems);
  Scenario out;
  out.file = file;
  out.name = reader.Text("name").value_or(std::filesystem::path(file).stem().string());
  for (const char* for_people : {"why", "claim", "document", "decided-by"}) reader.Text(for_people);
  out.needs = reader.Texts("needs");
  out.only_if = reader.Text("only-if").value_or("");
  out.setup = reader.Text("setup").value_or("");
  out.run = ReadRun(reader);
  out.directory = reader.Text("directory").value_or("");
  const TomlTable* old = reader.Table("old");
  if (old != nullptr) out.old = OldTreeReader(file, problems).Read(*old);
  if (old != nullptr && !out.directory.empty())
    reader.Complain("directory", "directory and [old] exclude each other");
  if (const TomlTable* options = reader.Table("options"))
    out.options = ReadOptions(*options, file, reader.LineOf("options"), problems);
  if (reader.Any("only") != nullptr)
    out.options.push_back({"only", reader.Texts("only"), reader.LineOf("only")});
  const TomlTable* expect = reader.Table("expect");
  out.expect = ReadExpectation(expect == nullptr ? TomlTable{} : *expect, file,
                               reader.LineOf("expect"), axes, problems);
  reader.Finish();
  return out;
}

Result<std::vector<Scenario>> LoadScenarios(const std::vector<std::string>& paths,
                                            const AxisTable& axes) {
  std::vector<Scenario> out;
  TomlProblems problems;
  std::vector<std::string> errors;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const auto files, FilesOf(path));
    for (const std::string& file : files) {
      ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
      const auto table = ParseToml(text, file);
      if (!table) {
        errors.push_back(table.error().message);
        continue;
      }
      out.push_back(ReadScenario(*table, file, axes, &problems));
      const Scenario& last = out.back();
      const auto same = std::find_if(out.begin(), out.end() - 1, [&](const Scenario& other) {
        return other.name == last.name;
      });
      if (same != out.end() - 1)
        problems.Add(file, 1,
                     fmt::format("the name {} is also that of {}", Quote(last.name), same->file));
    }
  }
  if (const Status status = problems.ToStatus(); !status) errors.push_back(status.error().message);
  if (!errors.empty()) return FailWith(ExitCode::kUsage, "{}", Join(errors, "\n"));
  return out;
}

}  // namespace oldornew
