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

  /// How often the tables were really interpreted; the other answers were remembered (for tests).
  uint64_t interpreted() const { return interpreted_; }

 private:
  class Session;
  Session& SessionOf(const std::vector<Module>& modules);

  uint64_t interpreted_ = 0;
  std::vector<Module> last_modules_;  // nearly every question comes from the process image of the one before
  Session* last_session_ = nullptr;
  std::map<std::string, std::unique_ptr<Session>> sessions_;  // by the text of the module list
};

}  // namespace oldornew
