#include "interpose/strace_value.h"

#include <fcntl.h>

#include <algorithm>

namespace oldornew {

namespace {

constexpr size_t kNone = std::string_view::npos;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) {
  return IsDigit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The index after the string that starts at `at` with a quote, or npos.
size_t AfterString(std::string_view text, size_t at) {
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return kNone;
}

// The index after the annotation that starts at `at` with '<'. strace escapes '<' and '>' within
// paths; devices nest one pair, and sockets have arrows.
size_t AfterAnnotation(std::string_view text, size_t at) {
  const bool path = at + 1 < text.size() && (text[at + 1] == '/' || text[at + 1] == '\\');
  int depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '<') {
      ++depth;
    } else if (text[i] == '>' && (path || text[i - 1] != '-')) {
      if (--depth == 0) return i + 1;
    }
  }

  return kNone;
}

// Whether a '<' at `at` opens an annotation: it follows a descriptor, and is not a shift.
bool OpensAnnotation(std::string_view text, size_t at) {
  if (at == 0 || at + 1 >= text.size() || text[at + 1] == '<' || text[at - 1] == '<') return false;
  // -X verbose: -100 /* AT_FDCWD */</a>
  if (at > 1 && text[at - 1] == '/' && text[at - 2] == '*') return true;
  size_t start = at;
  while (start > 0 && IsWord(text[start - 1])) --start;
  const std::string_view word = text.substr(start, at - start);
  return word == "AT_FDCWD" || (!word.empty() && std::all_of(word.begin(), word.end(),
                                                             [](char c) { return IsDigit(c); }));
}

// The index after whatever starts at `at`: a string, an annotation, a comment, or one character.
size_t Skip(std::string_view text, size_t at) {
  if (text[at] == '"') return AfterString(text, at);
  if (text[at] == '<' && OpensAnnotation(text, at)) return AfterAnnotation(text, at);
  if (text[at] == '/' && at + 1 < text.size() && text[at + 1] == '*') {
    const size_t end = text.find("*/", at + 2);
    return end == kNone ? kNone : end + 2;
  }
  return at + 1;
}

bool Opens(char c) { return c == '(' || c == '[' || c == '{'; }
bool Closes(char c) { return c == ')' || c == ']' || c == '}'; }

// Decodes the inside of quotes or of an annotation.
std::optional<std::string> Unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    const char c = text[i];
    constexpr std::string_view kLetters = "abfnrtv";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
    if (const size_t letter = kLetters.find(c); letter != kNone) {
      out += kMeanings[letter];
    } else if (c == 'x') {
      if (i + 2 >= text.size() || HexValue(text[i + 1]) < 0 || HexValue(text[i + 2]) < 0)
        return std::nullopt;
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else if (c >= '0' && c <= '7') {
      int value = 0;
      size_t digits = 0;
      for (; digits < 3 && i + digits < text.size() && text[i + digits] >= '0' &&
             text[i + digits] <= '7';
           ++digits)
        value = value * 8 + (text[i + digits] - '0');
      if (value > 255) return std::nullopt;
      out += static_cast<char>(value);
      i += digits - 1;
    } else {
      out += c;
    }
  }

  return out;
}

}  // namespace

std::string StripComments(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t next = std::min(Skip(text, at), text.size());
    const bool comment = text[at] == '/' && next > at + 1;
    if (!comment) out.append(text.substr(at, next - at));
    at = next;
  }
  return std::string(Trim(out));
}

std::optional<int64_t> PrintedNumber(std::string_view text) {
  const std::string stripped = StripComments(text);
  text = stripped;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  uint64_t base = 10;
  if (text.size() > 2 && text[0] == '0' && text[1] == 'x') {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }

  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    const int digit = HexValue(c);
    if (digit < 0 || static_cast<uint64_t>(digit) >= base) return std::nullopt;
    if (value > (UINT64_MAX - static_cast<uint64_t>(digit)) / base) return std::nullopt;
    value = value * base + static_cast<uint64_t>(digit);
  }

  return static_cast<int64_t>(negative ? ~value + 1 : value);
}

std::optional<uint64_t> PrintedFlags(std::string_view text, const std::vector<PrintedSymbol>& table,
                                     bool* unknown) {
  if (unknown != nullptr) *unknown = false;
  const std::string stripped = StripComments(text);
  if (stripped.empty()) return std::nullopt;
  uint64_t value = 0;
  for (size_t at = 0; at <= stripped.size();) {
    const size_t end = std::min(stripped.find('|', at), stripped.size());
    const std::string_view part = Trim(std::string_view(stripped).substr(at, end - at));
    at = end + 1;
    if (const auto number = PrintedNumber(part)) {
      value |= static_cast<uint64_t>(*number);
      continue;
    }
    if (part.empty() || !std::all_of(part.begin(), part.end(), IsWord)) return std::nullopt;
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const auto& entry) { return part == entry.name; });
    if (found != table.end()) {
      value |= found->value;
    } else if (unknown != nullptr) {
      *unknown = true;
    }
  }

  return value;
}

std::optional<PrintedBytes> PrintedString(std::string_view text) {
  text = Trim(text);
  if (text.empty() || text[0] != '"') return std::nullopt;
  const size_t after = AfterString(text, 0);
  if (after == kNone) return std::nullopt;
  const std::string_view rest = Trim(text.substr(after));
  if (!rest.empty() && rest != "..." && !rest.starts_with("/*")) return std::nullopt;
  auto bytes = Unescape(text.substr(1, after - 2));
  if (!bytes) return std::nullopt;
  return PrintedBytes{std::move(*bytes), rest == "..."};
}

std::optional<PrintedDescriptor> PrintedFd(std::string_view text) {
  text = Trim(text);
  PrintedDescriptor out;
  size_t end = 0;
  if (text.starts_with("AT_FDCWD")) {
    end = 8;
    out.number = AT_FDCWD;
  } else {
    while (end < text.size() && (IsDigit(text[end]) || (end == 0 && text[end] == '-'))) ++end;
    const auto number = PrintedNumber(text.substr(0, end));
    if (!number || *number < INT32_MIN || *number > INT32_MAX) return std::nullopt;
    out.number = static_cast<int>(*number);
  }

  std::string_view rest = text.substr(end);
  if (Trim(rest).starts_with("/*")) {
    const size_t comment = rest.find("*/");
    if (comment == kNone) return std::nullopt;
    rest = rest.substr(comment + 2);
  }

  if (rest.starts_with("<")) {
    const size_t after = AfterAnnotation(rest, 0);
    if (after == kNone) return std::nullopt;
    std::string_view inside = rest.substr(1, after - 2);
    // -yy adds what kind of device it is: "/dev/null<char 1:3>".
    if (const size_t nested = inside.find('<'); nested != kNone && inside.ends_with(">"))
      inside = inside.substr(0, nested);
    auto path = Unescape(inside);
    if (!path) return std::nullopt;
    out.path = std::move(*path);
    out.annotated = true;
    rest = rest.substr(after);
    if (rest.starts_with("(deleted)")) {
      out.deleted = true;
      rest.remove_prefix(9);
    }
  }

  if (!StripComments(rest).empty()) return std::nullopt;
  return out;
}

std::optional<std::vector<std::string_view>> PrintedList(std::string_view text, bool brackets) {
  text = Trim(text);
  if (brackets) {
    const bool square = text.starts_with("[") && text.ends_with("]");
    const bool curly = text.starts_with("{") && text.ends_with("}");
    if (text.size() < 2 || (!square && !curly)) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }

  std::vector<std::string_view> parts;
  if (Trim(text).empty()) return parts;
  int depth = 0;
  size_t start = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == ',' && depth == 0) {
      parts.push_back(Trim(text.substr(start, at - start)));
      start = at + 1;
    }
    depth += Opens(c) ? 1 : Closes(c) ? -1 : 0;
    if (depth < 0) return std::nullopt;
    at = Skip(text, at);
    if (at == kNone) return std::nullopt;
  }

  if (depth != 0) return std::nullopt;
  parts.push_back(Trim(text.substr(start)));

  return parts;
}

std::optional<std::string_view> PrintedField(std::string_view text, std::string_view name) {
  text = Trim(text);
  const auto parts = PrintedList(text, text.starts_with("{") || text.starts_with("["));
  if (!parts) return std::nullopt;
  for (const std::string_view part : *parts) {
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=')
      return part.substr(name.size() + 1);
  }
  return std::nullopt;
}

size_t FindClosing(std::string_view text) {
  int depth = 0;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    depth += Opens(c) ? 1 : Closes(c) ? -1 : 0;
    if (depth == 0) return at;
    at = Skip(text, at);
    if (at == kNone) return kNone;
  }

  return kNone;
}

}  // namespace oldornew
