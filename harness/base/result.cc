#include "base/result.h"

#include <cstring>

namespace oldornew {

std::string ErrnoName(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? std::string(name) : fmt::format("errno {}", error);
}

std::string ErrnoText(int error) {
  const char* text = strerrordesc_np(error);
  return fmt::format("{} ({})", text != nullptr ? text : "unknown error", ErrnoName(error));
}

}  // namespace oldornew
