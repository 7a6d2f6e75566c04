// Small text helpers shared by messages, formats and tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace oldornew {

/// Splits at every `separator`; "a,,b" gives three parts, "" gives one empty part.
std::vector<std::string> Split(std::string_view text, char separator);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);

/// A quoted form for people, like a C string: printable ASCII and UTF-8 stay, everything else
/// becomes \n, \t, \", \\ or \xNN. Cut with "…" after `limit` bytes.
std::string Quote(std::string_view bytes, size_t limit = 64);

/// The word as one has to write it in a POSIX shell: unchanged when safe, else in single quotes.
std::string ShellQuote(std::string_view word);
std::string ShellQuote(const std::vector<std::string>& words);

/// "0 B", "4096 B", "1.5 MiB".
std::string ByteSize(uint64_t bytes);

/// "12 states", "1 state": count and noun with a plural s.
std::string Count(uint64_t count, std::string_view noun);

/// Breaks at spaces so that no line has more than `width` columns (code points), unless one word is
/// longer. Lines after the first begin with `indent`. No newline at the end.
std::string Wrap(std::string_view text, size_t width, std::string_view indent);

/// fnmatch(3) of the whole path or of its last component: "*-shm" matches "db/x.db-shm".
bool GlobMatches(std::string_view pattern, std::string_view path);

/// "dir/name", "name" when dir is empty or ".", "/name" when dir is "/".
std::string JoinPath(std::string_view dir, std::string_view name);

/// What follows the last slash: "name" for "dir/name" and for "name", "" for "dir/".
std::string BaseName(std::string_view path);

}  // namespace oldornew
