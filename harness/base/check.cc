#include "base/check.h"

#include <unistd.h>

#include <cstdio>

namespace oldornew {

void CheckFailed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "oldornew: internal error: %s:%d: CHECK failed: %s\n", file, line,
               expression);
  std::fflush(stderr);
  _exit(70);
}

}  // namespace oldornew
