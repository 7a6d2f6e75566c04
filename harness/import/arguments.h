// The arguments of a call in the log, by their index from 0. If one is not there or is not of the
// asked form, that is an error of the log, unless the call failed: then it is merely nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/complaints.h"
#include "interpose/strace_value.h"

namespace oldornew::replay {

class Arguments {
 public:
  explicit Arguments(Complaints* complaints) : complaints_(*complaints) {}

  /// As printed; empty if it is not there.
  std::string_view Argument(const StraceCall& call, size_t i);

  std::optional<int64_t> Number(const StraceCall& call, size_t i);
  std::optional<uint64_t> Flags(const StraceCall& call, size_t i,
                                const std::vector<PrintedSymbol>& table);
  /// A string that is wholly in the log.
  std::optional<std::string> Text(const StraceCall& call, size_t i);

 private:
  Complaints& complaints_;
};

}  // namespace oldornew::replay
