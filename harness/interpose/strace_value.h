// What strace prints between the parentheses of a call: numbers, flags, strings, descriptors,
// lists. Everything here takes the text as printed and answers nullopt when it is not of the asked
// form; nothing is guessed.
//
// Forms (strace 4.26 to 6.x; -X raw, abbrev and verbose; -x, -xx; -y, -yy):
//   numbers      123, -1, 0x7f, 0644
//   flags        O_RDWR|O_CREAT, 0x42, 0x42 /* O_RDWR|O_CREAT */, O_RDONLY|0x8000000
//   strings      "a\n\x00\0", "cut"..., NULL, 0x7ffd1000 (the memory could not be read)
//   descriptors  3, 3</a/file>, 3</a/file>(deleted), 1</dev/null<char 1:3>>, 4<pipe:[17]>,
//                AT_FDCWD</a>, -100</a>
//   lists        [a, b], {field=a, field={b}}
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oldornew {

/// Without blanks at both ends and comments (/* ... */) outside strings.
std::string StripComments(std::string_view text);

std::optional<int64_t> PrintedNumber(std::string_view text);

struct PrintedSymbol {
  const char* name;
  uint64_t value;
};
/// The sum of the flags that `table` knows. Symbols of no interest may be missing in the table:
/// they count as 0 and set *unknown (when given). Numbers among them are or-ed in. nullopt: not of
/// the form of flags.
std::optional<uint64_t> PrintedFlags(std::string_view text, const std::vector<PrintedSymbol>& table,
                                     bool* unknown = nullptr);

struct PrintedBytes {
  std::string bytes;
  bool cut = false;  ///< "..." follows: there were more (strace -s)
};
std::optional<PrintedBytes> PrintedString(std::string_view text);

struct PrintedDescriptor {
  int number = -1;         ///< AT_FDCWD is -100
  bool annotated = false;  ///< -y was given
  std::string path;        ///< what stands in <...>: a path when it starts with '/'
  bool deleted = false;
};
std::optional<PrintedDescriptor> PrintedFd(std::string_view text);

/// The parts of "a, b, c" at top level; "" has none. With `brackets` the text must be [..] or {..}
/// around them.
std::optional<std::vector<std::string_view>> PrintedList(std::string_view text,
                                                         bool brackets = true);

/// The text of field `name` in {name=value, ...} or in a list of name=value parts; nullopt when it
/// is not there.
std::optional<std::string_view> PrintedField(std::string_view text, std::string_view name);

/// Where the argument list that starts at text[0] ends: the index of its closing parenthesis, or
/// npos.
size_t FindClosing(std::string_view text);

}  // namespace oldornew
