#include "base/text.h"

#include <fmt/format.h>
#include <fnmatch.h>

namespace oldornew {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

namespace {

// Length of the well-formed UTF-8 sequence at the start of `bytes` (2 to 4), or 0.
size_t Utf8Length(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  const size_t length = first >= 0xf0 && first < 0xf5   ? 4
                        : first >= 0xe0 && first < 0xf0 ? 3
                        : first >= 0xc2 && first < 0xe0 ? 2
                                                        : 0;
  if (length == 0 || bytes.size() < length) return 0;

  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(bytes[i]) & 0xc0) != 0x80) return 0;
  }

  return length;
}

}  // namespace

std::string Quote(std::string_view bytes, size_t limit) {
  std::string out = "\"";
  size_t i = 0;
  while (i < bytes.size() && i < limit) {
    const char c = bytes[i];
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else if (const size_t length = Utf8Length(bytes.substr(i)); length > 0) {
      out += bytes.substr(i, length);
      i += length;
      continue;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    ++i;
  }

  out += '"';
  if (i < bytes.size()) out += "…";
  return out;
}

std::string ShellQuote(std::string_view word) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(kSafe) == std::string_view::npos)
    return std::string(word);

  // A single quote ends the quoted part, stands escaped, and begins the next.
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }

  return out + "'";
}

std::string ShellQuote(const std::vector<std::string>& words) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(ShellQuote(word));
  return Join(quoted, " ");
}

std::string ByteSize(uint64_t bytes) {
  if (bytes < 100'000) return fmt::format("{} B", bytes);
  if (bytes < (uint64_t{1} << 20))
    return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
  if (bytes < (uint64_t{1} << 30))
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1048576);
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / 1073741824);
}

std::string Count(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Wrap(std::string_view text, size_t width, std::string_view indent) {
  const auto columns = [](std::string_view word) {
    size_t n = 0;
    for (const char c : word) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    return n;
  };

  std::string out;
  size_t used = 0;
  for (const std::string& word : Split(text, ' ')) {
    const size_t needed = columns(word);
    if (used > 0 && used + 1 + needed > width) {
      out += '\n';
      out += indent;
      used = columns(indent);
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += needed;
  }

  return out;
}

bool GlobMatches(std::string_view pattern, std::string_view path) {
  const std::string glob(pattern);
  const std::string whole(path);
  if (fnmatch(glob.c_str(), whole.c_str(), 0) == 0) return true;

  const size_t slash = whole.rfind('/');
  return slash != std::string::npos && fnmatch(glob.c_str(), whole.c_str() + slash + 1, 0) == 0;
}

std::string JoinPath(std::string_view dir, std::string_view name) {
  if (dir.empty() || dir == ".") return std::string(name);
  if (dir.back() == '/') return fmt::format("{}{}", dir, name);
  return fmt::format("{}/{}", dir, name);
}

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace oldornew
