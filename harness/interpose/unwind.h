// Turns the recorded words of a stack into return addresses, with the unwind tables (.eh_frame) of the
// program's modules.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "interpose/wire.h"
#include "trace/trace.h"

namespace oldornew {

class Unwinder {
 public:
  Unwinder();
  ~Unwinder();
  Unwinder(const Unwinder&) = delete;
  Unwinder& operator=(const Unwinder&) = delete;

  /// Return addresses, innermost first, beginning with record.ip; `words` is the kStack section. As far as
  /// the tables and the recorded words lead; modules that cannot be read end it.
  std::vector<uint64_t> Unwind(const std::vector<Module>& modules, const wire::Record& record,
                               std::string_view words);

 private:
  class Session;
  std::map<std::string, std::unique_ptr<Session>> sessions_;  // by the text of the module list
};

}  // namespace oldornew
