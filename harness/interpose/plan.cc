#include "interpose/plan.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <regex>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "interpose/decode.h"
#include "interpose/file_calls.h"
#include "interpose/wire.h"

namespace oldornew {
namespace {

constexpr int kMaxErrno = 4095;

template <typename... T>
tl::unexpected<Error> Wrong(fmt::format_string<T...> format, T&&... args) {
  return FailWith(ExitCode::kUsage, format, std::forward<T>(args)...);
}

/// The calls that a class stands for; strace has the first three, the others are ours: what a disk
/// that is dead, full or read-only makes fail together.
struct Class {
  const char* name;
  /// of the names (an extended regular expression); null: by the shape of the call
  const char* pattern;
  bool path = false;
  bool descriptor = false;
};

#define WRITES "p?writev?2?|pwrite64|sendfile|splice|copy_file_range"
#define SYNCS "f(data)?sync|syncfs|sync_file_range"
#define CHANGES                                                                                  \
  WRITES                                                                                         \
  "|f?truncate|fallocate|rename(at2?)?|(sym)?link(at)?|unlink(at)?|rmdir|mkdir(at)?|mknod(at)?|" \
  "f?chmod(at2?)?|[fl]?chown(at)?|[fl]?(set|remove)xattr(at)?"
constexpr Class kClasses[] = {
    {"all", nullptr, true, true},    {"%file", nullptr, true, false},
    {"%desc", nullptr, false, true}, {"%disk", "^(" CHANGES "|" SYNCS ")$"},
    {"%change", "^(" CHANGES ")$"},  {"%write", "^(" WRITES ")$"},
    {"%sync", "^(" SYNCS ")$"},      {"%open", "^(open(at2?)?|creat)$"},
};
#undef CHANGES
#undef SYNCS
#undef WRITES

/// Of the calls that a plan can hit, those in whose names `regex` is found.
std::set<int> CallsNamed(const std::regex& regex) {
  std::set<int> calls;
  for (const wire::FileCallShape& shape : wire::kFileCalls) {
    if (std::regex_search(SyscallName(shape.nr), regex)) calls.insert(shape.nr);
  }
  return calls;
}

std::vector<int> CallsOf(const Class& which) {
  std::set<int> calls;
  if (which.pattern != nullptr) calls = CallsNamed(std::regex(which.pattern, std::regex::extended));
  for (const wire::FileCallShape& shape : wire::kFileCalls) {
    const bool path = shape.path >= 0;
    const bool descriptor = shape.fd >= 0 || shape.dirfd >= 0;
    if ((which.path && path) || (which.descriptor && descriptor)) calls.insert(shape.nr);
  }
  return {calls.begin(), calls.end()};
}

/// In the order of kClasses; made once, for regular expressions are slow to make.
const std::vector<std::vector<int>>& ClassCalls() {
  static const std::vector<std::vector<int>> calls = [] {
    std::vector<std::vector<int>> out;
    for (const Class& which : kClasses) out.push_back(CallsOf(which));
    return out;
  }();
  return calls;
}

/// A number from 0 to `most`, nothing else in the text.
std::optional<int64_t> Number(std::string_view text, int64_t most) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || value < 0 ||
      value > most)
    return std::nullopt;
  return value;
}

Status AddByPattern(const std::string& pattern, std::set<int>* calls) {
  try {
    const std::regex regex(pattern, std::regex::extended);
    const size_t before = calls->size();
    calls->merge(CallsNamed(regex));
    if (calls->size() != before) return {};
    return Wrong("no call on files has a name in which /{} is found", pattern);
  } catch (const std::regex_error&) {
    return Wrong("/{} is no regular expression", pattern);
  }
}

Status AddCalls(const std::string& word, std::set<int>* calls) {
  for (size_t i = 0; i < std::size(kClasses); i++) {
    if (word != kClasses[i].name) continue;
    calls->insert(ClassCalls()[i].begin(), ClassCalls()[i].end());
    return {};
  }

  if (word.starts_with("/")) return AddByPattern(word.substr(1), calls);
  if (word.starts_with("%"))
    return Wrong(
        "there is no class {}: only %file, %desc, %disk, %change, %write, %sync, %open and all",
        word);
  for (const wire::FileCallShape& shape : wire::kFileCalls) {
    if (SyscallName(shape.nr) != word) continue;
    calls->insert(shape.nr);
    return {};
  }

  for (int nr = 0; nr < static_cast<int>(wire::kMaxSyscall); nr++) {
    if (SyscallName(nr) == word)
      return Wrong("{} is no call on files that can be made to fail", word);
  }

  return word.empty() ? Status(Wrong("a system call is missing"))
                      : Status(Wrong("there is no system call {}", word));
}

/// Splits at colons, not at those after a backslash.
std::vector<std::string> Parts(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == ':') {
      parts.emplace_back();
      continue;
    }
    parts.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) parts.back() += text[++i];
  }

  return parts;
}

int SignalByName(const std::string& text) {
  if (const auto number = Number(text, NSIG - 1)) return static_cast<int>(*number);
  const std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int signal = 1; signal < NSIG; signal++) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  return 0;
}

/// FIRST[..[LAST]][+[STEP]]
Status ParseWhen(const std::string& text, Injection* injection) {
  const auto wrong = [&] {
    return Wrong(
        "when={} is not FIRST, FIRST..LAST, FIRST.., or one of these with +STEP; the first is 1",
        text);
  };
  std::string rest = text;
  const bool stepped = rest.find('+') != std::string::npos;
  if (stepped) {
    const std::string step = rest.substr(rest.find('+') + 1);
    rest.resize(rest.find('+'));
    const auto number = step.empty() ? std::optional<int64_t>(1) : Number(step, UINT32_MAX);
    if (!number || *number == 0) return wrong();
    injection->step = static_cast<uint32_t>(*number);
  }

  const size_t dots = rest.find("..");
  const auto first = Number(rest.substr(0, dots), UINT32_MAX);
  if (!first || *first == 0) return wrong();
  injection->first = static_cast<uint32_t>(*first);
  injection->last = stepped ? UINT32_MAX : injection->first;
  if (dots == std::string::npos) return {};
  const std::string last = rest.substr(dots + 2);
  const auto number = last.empty() ? std::optional<int64_t>(UINT32_MAX) : Number(last, UINT32_MAX);
  if (!number || *number < *first) return wrong();
  injection->last = static_cast<uint32_t>(*number);

  return {};
}

class Parser {
 public:
  Result<Injection> Parse(std::string_view text) {
    const std::vector<std::string> parts = Parts(text);
    std::set<int> calls;
    for (const std::string& word : Split(parts[0], ',')) RETURN_IF_ERROR(AddCalls(word, &calls));
    injection_.calls.assign(calls.begin(), calls.end());
    for (size_t i = 1; i < parts.size(); i++) RETURN_IF_ERROR(Take(parts[i]));
    RETURN_IF_ERROR(Check());
    return injection_;
  }

 private:
  Status Take(const std::string& part) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) return Wrong("{} has no value: NAME=VALUE", Quote(part));
    const std::string name = part.substr(0, equals);
    const std::string value = part.substr(equals + 1);
    if (!seen_.insert(name).second) return Wrong("{}= stands there twice", name);
    if (name == "error" || name == "retval" || name == "short") return TakeKind(name, value);
    if (name == "when") return ParseWhen(value, &injection_);
    if (name == "effect") {
      injection_.after = value == "full";
      if (value != "full" && value != "none")
        return Wrong("effect={} is neither none nor full", value);
      return {};
    }
    if (name == "signal") {
      injection_.signal = SignalByName(value);
      if (injection_.signal == 0) return Wrong("signal={} is no signal", value);
      return {};
    }
    if (name == "path") {
      injection_.path = value;
      if (value.empty()) return Wrong("path= is empty");
      if (value.size() >= wire::kMaxGlob)
        return Wrong("path= has {} bytes, at most {} are supported", value.size(),
                     wire::kMaxGlob - 1);
      return {};
    }
    return Wrong("{}= is none of path, error, retval, short, effect, signal and when", name);
  }

  Status TakeKind(const std::string& name, const std::string& value) {
    if (kind_) return Wrong("only one of error=, retval= and short= can happen to a call");
    kind_ = name == "error"    ? Injection::Kind::kFail
            : name == "retval" ? Injection::Kind::kReturn
                               : Injection::Kind::kShorten;
    if (name == "error") {
      const auto number = Number(value, kMaxErrno);
      injection_.error = number ? static_cast<int>(*number) : ErrnoByName(value);
      if (injection_.error == 0) return Wrong("error={} is no errno", value);
      return {};
    }
    const auto number = Number(value, INT64_MAX);
    if (!number) return Wrong("{}={} is no number from 0 on", name, value);
    injection_.value = *number;
    return {};
  }

  Status Check() {
    if (!kind_ && injection_.signal == 0)
      return Wrong("nothing is to happen: add error=, retval=, short= or signal=");
    injection_.kind = kind_.value_or(Injection::Kind::kSignal);
    const bool undone = injection_.kind == Injection::Kind::kReturn;
    const bool signal_only = injection_.kind == Injection::Kind::kShorten && injection_.signal == 0;
    if (injection_.after && (undone || signal_only))
      return Wrong("effect=full goes with error= or signal=, not with {}=",
                   undone ? "retval" : "short");
    if (injection_.kind != Injection::Kind::kShorten) return {};
    for (const int nr : injection_.calls) {
      if (const wire::FileCallShape* shape = wire::ShapeOf(nr);
          nr != __NR_mmap && (shape->bytes >= 0 || shape->vector >= 0))
        return {};
    }
    return Wrong("short= is for calls that transfer bytes, and none of these does");
  }

  Injection injection_;
  std::optional<Injection::Kind> kind_;
  std::set<std::string> seen_;
};

/// Classes that lie wholly in `calls` first, the largest ones before their parts; then the names of
/// the rest.
std::string FormatCalls(const std::vector<int>& calls) {
  std::vector<std::string> names;
  std::vector<int> left = calls;
  for (size_t i = 0; i < std::size(kClasses); i++) {
    const std::vector<int>& all = ClassCalls()[i];
    if (!std::includes(left.begin(), left.end(), all.begin(), all.end())) continue;
    names.emplace_back(kClasses[i].name);
    std::erase_if(left, [&](int nr) { return std::binary_search(all.begin(), all.end(), nr); });
  }

  for (const int nr : left) names.push_back(SyscallName(nr));
  return Join(names, ",");
}

}  // namespace

Result<Injection> ParseInjection(std::string_view text) {
  Result<Injection> injection = Parser().Parse(text);
  if (injection) return injection;
  return FailWith(ExitCode::kUsage, "{}: {}", Quote(text, 200), injection.error().message);
}

std::string FormatInjection(const Injection& injection) {
  std::string text = FormatCalls(injection.calls);
  if (!injection.path.empty()) text += ":path=" + injection.path;
  switch (injection.kind) {
    case Injection::Kind::kFail:
      text += ":error=" + (ErrnoByName(ErrnoName(injection.error)) == injection.error
                               ? ErrnoName(injection.error)
                               : std::to_string(injection.error));
      break;
    case Injection::Kind::kReturn:
      text += fmt::format(":retval={}", injection.value);
      break;
    case Injection::Kind::kShorten:
      text += fmt::format(":short={}", injection.value);
      break;
    case Injection::Kind::kSignal:
      break;
  }

  if (injection.after) text += ":effect=full";
  if (injection.signal != 0) text += ":signal=" + SignalName(injection.signal);
  if (injection.first == 1 && injection.last == UINT32_MAX && injection.step == 1) return text;
  text += fmt::format(":when={}", injection.first);
  if (injection.last == UINT32_MAX) {
    text += "..";
  } else if (injection.last != injection.first || injection.step != 1) {
    text += fmt::format("..{}", injection.last);
  }

  if (injection.step != 1) text += fmt::format("+{}", injection.step);
  return text;
}

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? name : std::to_string(signal);
}

const std::vector<int>& CallsOfClass(std::string_view name) {
  const auto* found = std::find_if(std::begin(kClasses), std::end(kClasses),
                                   [&](const Class& which) { return name == which.name; });
  CHECK(found != std::end(kClasses));
  return ClassCalls()[static_cast<size_t>(found - kClasses)];
}

int ErrnoByName(std::string_view name) {
  constexpr std::pair<const char*, int> kAliases[] = {{"EWOULDBLOCK", EWOULDBLOCK},
                                                      {"EDEADLOCK", EDEADLOCK},
                                                      {"ENOTSUP", ENOTSUP},
                                                      {"EOPNOTSUPP", EOPNOTSUPP}};
  for (const auto& [alias, error] : kAliases) {
    if (name == alias) return error;
  }

  for (int error = 1; error <= kMaxErrno; error++) {
    const char* known = strerrorname_np(error);
    if (known != nullptr && name == known) return error;
  }

  return 0;
}

}  // namespace oldornew
