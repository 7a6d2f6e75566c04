// Turns the recorded words of a stack into return addresses, with the unwind tables (.eh_frame) of
// the program's modules.
//
// Opening the modules of a process image costs more than a short run. It is done once for all
// images that consist of the same files: where the kernel put them (address space layout
// randomisation) makes no difference to the tables, so each question is asked as if they lay where
// they lay the first time, code addresses moved there on the way in and back on the way out.
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

  /// Return addresses, innermost first, beginning with record.ip; `words` is the kStack section. As
  /// far as the tables and the recorded words lead; modules that cannot be read end it.
  std::vector<uint64_t> Unwind(const std::vector<Module>& modules, const wire::Record& record,
                               std::string_view words);

  /// Files may have changed since the last question: they are looked at again. For whoever keeps an
  /// unwinder from run to run.
  void BeginRun();

  /// How often modules were opened (for tests).
  uint64_t opened() const { return opened_; }
  /// How often the tables were really interpreted; the other answers were remembered (for tests).
  uint64_t interpreted() const { return interpreted_; }

 private:
  class Session;
  Session& SessionOf(const std::vector<Module>& modules);

  uint64_t interpreted_ = 0;
  uint64_t opened_ = 0;
  // nearly every question comes from the process image of the one before
  std::vector<Module> last_modules_;
  Session* last_session_ = nullptr;
  std::map<std::string, std::unique_ptr<Session>> sessions_;  // by KeyOf
};

}  // namespace oldornew
