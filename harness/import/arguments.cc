#include "import/arguments.h"

#include <utility>

#include "base/text.h"

namespace oldornew::replay {

std::string_view Arguments::Argument(const StraceCall& call, size_t i) {
  if (i < call.arguments.size()) return call.arguments[i];
  if (!call.failed()) complaints_.Bad(call, fmt::format("argument {} is not there", i + 1));
  return {};
}

std::optional<int64_t> Arguments::Number(const StraceCall& call, size_t i) {
  const std::string_view text = Argument(call, i);
  const auto number = PrintedNumber(text);
  if (!number && !call.failed())
    complaints_.Bad(call, fmt::format("argument {} is no number: {}", i + 1, Quote(text)));
  return number;
}

std::optional<uint64_t> Arguments::Flags(const StraceCall& call, size_t i,
                                         const std::vector<PrintedSymbol>& table) {
  const std::string_view text = Argument(call, i);
  const auto flags = PrintedFlags(text, table);
  if (!flags && !call.failed())
    complaints_.Bad(call, fmt::format("argument {} is of another form: {}", i + 1, Quote(text)));
  return flags;
}

std::optional<std::string> Arguments::Text(const StraceCall& call, size_t i) {
  const std::string_view text = Argument(call, i);
  auto string = PrintedString(text);
  if (string && !string->cut) return std::move(string->bytes);
  if (!call.failed())
    complaints_.Bad(call,
                    fmt::format("argument {} is {}: {}", i + 1,
                                string ? "cut off (raise strace -s)" : "no string", Quote(text)));
  return std::nullopt;
}

}  // namespace oldornew::replay
