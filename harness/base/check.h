// CHECK: a programmer error ends the process, in release builds too. Operating errors are Result<T>
// (result.h).
#pragma once

namespace oldornew {

/// Prints "oldornew: internal error: file:line: CHECK failed: expression" to stderr and exits with
/// status 70.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

}  // namespace oldornew

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) ::oldornew::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (0)
