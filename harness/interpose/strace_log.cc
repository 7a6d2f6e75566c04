#include "interpose/strace_log.h"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/files.h"
#include "base/text.h"
#include "interpose/strace_value.h"

namespace oldornew {

namespace {

using Kind = StraceEvent::Kind;
constexpr int32_t kOnlyThread = 1;  // of a log that names none

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string_view SkipBlanks(std::string_view text) {
  while (text.starts_with(" ") || text.starts_with("\t")) text.remove_prefix(1);
  return text;
}

std::string_view FirstWord(std::string_view text) { return text.substr(0, text.find(' ')); }

// "17", "17.25" in nanoseconds.
std::optional<uint64_t> Nanoseconds(std::string_view text) {
  const size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot);
  std::string fraction(text.substr(std::min(dot + 1, text.size())));
  if (!AllDigits(whole) || whole.size() > 10 || fraction.size() > 9 ||
      (!fraction.empty() && !AllDigits(fraction)))
    return std::nullopt;
  fraction.append(9 - fraction.size(), '0');
  return std::stoull(std::string(whole)) * 1'000'000'000 + std::stoull(fraction);
}

struct Stamp {
  uint64_t time = 0;
  bool absolute = false;  // fit for putting several files in order
};

// -ttt, -tt, -t, -r: "1700000000.123456", "02:08:27.123456", "02:08:27", "0.000123".
std::optional<Stamp> ParseStamp(std::string_view word) {
  const std::vector<std::string> parts = Split(word, ':');
  if (parts.size() == 3) {
    const auto hours = Nanoseconds(parts[0]);
    const auto minutes = Nanoseconds(parts[1]);
    const auto seconds = Nanoseconds(parts[2]);
    if (!hours || !minutes || !seconds) return std::nullopt;
    return Stamp{*hours * 3600 + *minutes * 60 + *seconds, parts[2].find('.') != std::string::npos};
  }

  if (parts.size() != 1 || word.find('.') == std::string_view::npos) return std::nullopt;
  const auto time = Nanoseconds(word);
  if (!time) return std::nullopt;

  // three years: -r says less, -ttt more
  constexpr uint64_t kRelativeBelow = 100'000'000ull * 1'000'000'000;

  return Stamp{*time, *time >= kRelativeBelow};
}

int ErrnoOf(std::string_view name) {
  for (int error = 1; error < 134; ++error) {
    const char* known = strerrorname_np(error);
    if (known != nullptr && name == known) return error;
  }
  return 0;
}

int SignalOf(std::string_view name) {
  for (int number = 1; number < 32; ++number) {
    const char* known = sigabbrev_np(number);
    if (known != nullptr && name.starts_with("SIG") && name.substr(3) == known) return number;
  }
  if (name.starts_with("SIGRT")) return 34;
  if (const auto number = PrintedNumber(name); number && *number > 0 && *number < 65)
    return static_cast<int>(*number);
  return 0;
}

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

// One line without its prefixes.
struct Line {
  int32_t tid = 0;
  std::optional<Stamp> stamp;
  std::string_view body;
};

struct Moment {
  uint64_t time = 0;
  StraceEvent event;
};

class FileParser {
 public:
  FileParser(const StraceFile& file, uint32_t number, bool one_of_many, StraceLog* log)
      : file_(file), number_(number), one_of_many_(one_of_many), log_(log) {}

  Status Parse();

  std::vector<Moment>& moments() { return moments_; }

 private:
  struct Pending {
    size_t call;
    uint32_t line;
    std::string text;  // of the arguments, as far as it was printed
  };

  template <typename... Args>
  tl::unexpected<Error> Bad(fmt::format_string<Args...> format, Args&&... args) const {
    return FailWith(ExitCode::kUsage, "{}:{}: {}", file_.name, line_,
                    fmt::format(format, std::forward<Args>(args)...));
  }

  void Add(Kind kind, int32_t tid, size_t call, uint32_t line, int32_t status = 0) {
    moments_.push_back({time_, {kind, tid, status, call, number_, line}});
  }

  Result<Line> TakePrefixes(std::string_view text);
  Status ParseLine(std::string_view text);
  Status ParseEnd(const Line& line);
  Status ParseCall(const Line& line);
  Status ParseResumed(const Line& line);
  /// `rest` starts with the parenthesis of the arguments.
  Status Complete(size_t index, std::string_view rest, const Line& line);
  /// -T: " <0.000012>" at the end; with several files it says when the call ended.
  std::string_view TakeDuration(std::string_view* tail);
  Status ParseResult(StraceCall* call, std::string_view text);

  const StraceFile& file_;
  uint32_t number_;
  bool one_of_many_;
  StraceLog* log_;
  uint32_t line_ = 0;
  uint64_t time_ = 0;
  uint64_t day_ = 0;
  std::map<int32_t, Pending> pending_;
  std::vector<Moment> moments_;
};

Status FileParser::Parse() {
  size_t at = 0;
  while (at < file_.bytes.size()) {
    size_t end = file_.bytes.find('\n', at);
    if (end == std::string::npos) end = file_.bytes.size();
    ++line_;
    RETURN_IF_ERROR(ParseLine(std::string_view(file_.bytes).substr(at, end - at)));
    at = end + 1;
  }

  for (const auto& [tid, pending] : pending_) {
    // Never resumed: killed in it, or the log ends there.
    StraceCall& call = log_->calls[pending.call];
    if (auto parts = PrintedList(pending.text, false)) {
      for (const std::string_view part : *parts) call.arguments.emplace_back(part);
    }
    Add(Kind::kEnd, tid, pending.call, pending.line);
  }

  return {};
}

Result<Line> FileParser::TakePrefixes(std::string_view text) {
  Line line;
  line.tid = file_.tid != 0 ? file_.tid : kOnlyThread;
  if (text.starts_with("[pid "))
    return Bad("[pid N] at the start: the log must be written with strace -o");
  if (const std::string_view word = FirstWord(text); AllDigits(word) && word.size() < text.size()) {
    const auto tid = PrintedNumber(word);
    if (word.size() > 9 || !tid || *tid == 0) return Bad("{} is no process number", Quote(word));
    line.tid = static_cast<int32_t>(std::stol(std::string(word)));
    text = text.substr(word.size());
  }

  text = SkipBlanks(text);
  if (auto stamp = ParseStamp(FirstWord(text))) {
    line.stamp = stamp;
    text = SkipBlanks(text.substr(FirstWord(text).size()));
  }

  // -r in addition to another kind of time: "(+     0.000123) ".
  if (text.starts_with("(+"))
    text = SkipBlanks(text.substr(std::min(text.find(')'), text.size() - 1) + 1));

  // -i and -n: "[00007f0123456789] ", "[ 257] ".
  while (text.starts_with("[")) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || text.find_first_not_of("0123456789abcdef? [") < close)
      break;
    text = SkipBlanks(text.substr(close + 1));
  }

  line.body = text;

  return line;
}

Status FileParser::ParseLine(std::string_view text) {
  if (text.ends_with("\r")) text.remove_suffix(1);

  // -k: a line of the stack
  if (SkipBlanks(text).empty() || SkipBlanks(text).starts_with("> ")) return {};
  if (text.starts_with("strace: ")) return {};
  ASSIGN_OR_RETURN(const Line line, TakePrefixes(text));
  if (line.stamp) {
    // Times of day start again at midnight.
    constexpr uint64_t kHalfDay = 43'200ull * 1'000'000'000;
    uint64_t time = line.stamp->time + day_;
    if (time + kHalfDay < time_) time += 2 * kHalfDay, day_ += 2 * kHalfDay;
    time_ = std::max(time, time_);
  }

  if (one_of_many_ && (!line.stamp || !line.stamp->absolute))
    return Bad("without times several files cannot be put in order: record with strace -ff -ttt");
  const std::string_view body = line.body;
  if (body.starts_with("+++ ")) return ParseEnd(line);
  if (body.starts_with("--- "))
    return body.ends_with(" ---") ? Status{} : Bad("the line of a signal is cut off");
  if (body.starts_with("[ Process PID=") || body.starts_with("strace: [ Process PID=")) {
    Add(Kind::kForeign, line.tid, SIZE_MAX, line_);
    return {};
  }

  if (body.starts_with("strace: ") || body.starts_with("> ")) return {};
  if (body.starts_with("<... ")) return ParseResumed(line);
  return ParseCall(line);
}

Status FileParser::ParseEnd(const Line& line) {
  std::string_view body = line.body.substr(4);
  if (!body.ends_with(" +++")) return Bad("the line is cut off");
  body.remove_suffix(4);
  const auto rest_of = [&](std::string_view start) { return body.substr(start.size()); };
  if (body.starts_with("exited with ")) {
    const auto status = PrintedNumber(rest_of("exited with "));
    if (!status || *status < 0 || *status > 255) return Bad("no exit status in {}", Quote(body));
    Add(Kind::kExited, line.tid, SIZE_MAX, line_, static_cast<int32_t>(*status));
  } else if (body.starts_with("killed by ")) {
    const int number = SignalOf(FirstWord(rest_of("killed by ")));
    if (number == 0) return Bad("unknown signal in {}", Quote(body));
    Add(Kind::kKilled, line.tid, SIZE_MAX, line_, number);
  } else if (body.starts_with("superseded by execve in pid ")) {
    // The thread that called execve goes on under the number of the first one.
    const auto from = PrintedNumber(rest_of("superseded by execve in pid "));
    if (!from) return Bad("no process number in {}", Quote(body));
    const auto pending = pending_.find(static_cast<int32_t>(*from));
    if (pending == pending_.end()) return Bad("process {} was in no call", *from);
    Pending moved = std::move(pending->second);
    pending_.erase(pending);
    log_->calls[moved.call].tid = line.tid;
    pending_.insert_or_assign(line.tid, std::move(moved));
  } else {
    return Bad("unknown event {}", Quote(body));
  }

  return {};
}

Status FileParser::ParseCall(const Line& line) {
  const std::string_view body = line.body;
  const size_t open = body.find('(');
  if (open == std::string_view::npos || !IsName(body.substr(0, open)))
    return Bad("this is no line of strace: {}", Quote(body));
  if (pending_.count(line.tid) != 0)
    return Bad("process {} begins {} while its {} is unfinished", line.tid,
               Quote(body.substr(0, open)), log_->calls[pending_.at(line.tid).call].name);
  StraceCall call;
  call.tid = line.tid;
  call.name = std::string(body.substr(0, open));
  call.file = number_;
  call.line = line_;
  const size_t index = log_->calls.size();
  log_->calls.push_back(std::move(call));
  Add(Kind::kBegin, line.tid, index, line_);
  constexpr std::string_view kUnfinished = "<unfinished ...>";
  const std::string_view rest = body.substr(open);
  if (SkipBlanks(rest).ends_with(kUnfinished)) {
    std::string text(rest.substr(1, rest.size() - 1 - kUnfinished.size()));
    pending_.emplace(line.tid, Pending{index, line_, std::move(text)});
    return {};
  }

  return Complete(index, rest, line);
}

Status FileParser::ParseResumed(const Line& line) {
  const std::string_view body = line.body;
  const size_t end = body.find(" resumed>");
  if (end == std::string_view::npos) return Bad("the line is cut off");
  const std::string_view name = body.substr(5, end - 5);
  const auto pending = pending_.find(line.tid);
  if (pending == pending_.end() || log_->calls[pending->second.call].name != name)
    return Bad("{} is resumed, but process {} was not in it", Quote(name), line.tid);
  const size_t index = pending->second.call;
  const std::string whole = "(" + pending->second.text + std::string(body.substr(end + 9));
  pending_.erase(pending);
  return Complete(index, whole, line);
}

Status FileParser::Complete(size_t index, std::string_view rest, const Line& line) {
  StraceCall& call = log_->calls[index];
  const size_t close = FindClosing(rest);
  if (close == std::string_view::npos) return Bad("{}: the arguments do not end", call.name);
  const auto parts = PrintedList(rest.substr(1, close - 1), false);
  if (!parts) return Bad("{}: the arguments are not well-formed", call.name);
  for (const std::string_view part : *parts) call.arguments.emplace_back(part);
  std::string_view tail = SkipBlanks(rest.substr(close + 1));
  if (!tail.starts_with("= ")) return Bad("{}: there is no result", call.name);
  tail = SkipBlanks(tail.substr(2));
  RETURN_IF_ERROR(ParseResult(&call, TakeDuration(&tail)));
  Add(Kind::kEnd, line.tid, index, line_);
  return {};
}

std::string_view FileParser::TakeDuration(std::string_view* tail) {
  const size_t open = tail->rfind(" <");
  if (open == std::string_view::npos || !tail->ends_with(">")) return *tail;
  const auto duration = Nanoseconds(tail->substr(open + 2, tail->size() - open - 3));
  if (!duration) return *tail;
  if (one_of_many_) time_ += *duration;
  return tail->substr(0, open);
}

Status FileParser::ParseResult(StraceCall* call, std::string_view text) {
  const size_t end = std::min(text.find_first_of(" <"), text.size());
  const std::string_view word = text.substr(0, end);
  call->result_note = std::string(SkipBlanks(text.substr(end)));

  // exit, execve of another thread, interrupted: as if it never returned
  if (word == "?") return {};
  const auto number = PrintedNumber(word);
  if (!number) return Bad("{}: {} is no result", call->name, Quote(text));
  call->returned = true;
  call->result = *number;
  const bool error = *number == -1 && !call->result_note.empty() && call->result_note[0] == 'E';
  if (error) {
    const int known = ErrnoOf(FirstWord(call->result_note));
    if (known == 0)
      return Bad("{}: unknown error {}", call->name, Quote(FirstWord(call->result_note)));
    call->result = -known;
  } else if (*number == -1 && call->result_note.starts_with("(errno ")) {
    const auto value = PrintedNumber(call->result_note.substr(7, call->result_note.find(')') - 7));
    call->result = value && *value > 0 && *value < 4096 ? -*value : -1;
  }

  return {};
}

}  // namespace

std::string StraceLog::Where(uint32_t file, uint32_t line) const {
  return fmt::format("{}:{}", file < files.size() ? files[file] : "?", line);
}

Result<std::vector<StraceFile>> ReadStraceFiles(const std::string& path) {
  std::vector<StraceFile> out;
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error)) {
    auto bytes = ReadFile(path);
    if (!bytes) return FailWith(ExitCode::kUsage, "{}", bytes.error().message);
    out.push_back({path, std::move(*bytes), 0});
    return out;
  }

  const std::filesystem::path prefix(path);
  const std::filesystem::path folder =
      prefix.has_parent_path() ? prefix.parent_path() : std::filesystem::path(".");
  const std::string start = prefix.filename().string() + ".";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::string_view number =
        std::string_view(name).substr(std::min(start.size(), name.size()));
    if (!name.starts_with(start) || !AllDigits(number) || number.size() > 9) continue;
    auto bytes = ReadFile(entry.path().string());
    if (!bytes) return FailWith(ExitCode::kUsage, "{}", bytes.error().message);
    out.push_back({path + "." + std::string(number), std::move(*bytes),
                   static_cast<int32_t>(std::stol(std::string(number)))});
  }

  std::sort(out.begin(), out.end(),
            [](const StraceFile& a, const StraceFile& b) { return a.tid < b.tid; });
  if (out.empty())
    return FailWith(ExitCode::kUsage, "{}: no such file, and no {}.PID of strace -ff", path, path);

  return out;
}

Result<StraceLog> ParseStraceLog(const std::vector<StraceFile>& files) {
  StraceLog log;
  std::vector<Moment> all;
  for (size_t i = 0; i < files.size(); ++i) {
    log.files.push_back(files[i].name);
    FileParser parser(files[i], static_cast<uint32_t>(i), files.size() > 1, &log);
    RETURN_IF_ERROR(parser.Parse());
    std::vector<Moment>& moments = parser.moments();
    // -T rounds: a call never ends after the next one of its thread begins.
    for (size_t k = moments.size(); k-- > 1;)
      moments[k - 1].time = std::min(moments[k - 1].time, moments[k].time);
    all.insert(all.end(), std::make_move_iterator(moments.begin()),
               std::make_move_iterator(moments.end()));
  }

  if (files.size() > 1) {
    std::stable_sort(all.begin(), all.end(),
                     [](const Moment& a, const Moment& b) { return a.time < b.time; });
  }

  log.events.reserve(all.size());
  for (Moment& moment : all) log.events.push_back(moment.event);
  if (log.calls.empty())
    return FailWith(ExitCode::kUsage, "{}: there is no system call in it",
                    log.files.empty() ? "the log" : log.files[0]);

  return log;
}

std::map<std::string, uint64_t> CountCalls(const StraceLog& log) {
  std::map<std::string, uint64_t> counts;
  for (const StraceCall& call : log.calls) ++counts[call.name];
  return counts;
}

}  // namespace oldornew
