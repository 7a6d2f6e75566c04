// What the driver programs of the targets share: reading their arguments and their input.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

namespace oldornew::targets {

/// "0644" or "644", octal.
inline bool ParseMode(const char* text, mode_t* mode) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 8);
  if (*text == '\0' || *end != '\0' || value > 07777) return false;
  *mode = static_cast<mode_t>(value);
  return true;
}

/// All of standard input; false, and errno, when it cannot be read.
inline bool ReadStandardInput(std::string* data) {
  std::vector<char> buffer(size_t{1} << 16);
  for (;;) {
    const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count == 0) return true;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    data->append(buffer.data(), static_cast<size_t>(count));
  }
}

/// One FILE=CONTENT argument; the first '=' divides.
struct FileArgument {
  std::string name;
  std::string content;
};

inline bool ParseFileArgument(const std::string& argument, FileArgument* file) {
  const size_t equals = argument.find('=');
  if (equals == 0 || equals == std::string::npos) return false;
  *file = {argument.substr(0, equals), argument.substr(equals + 1)};
  return true;
}

}  // namespace oldornew::targets
