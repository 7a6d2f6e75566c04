// Test programs for the preload library: each case does something that an interposer can get wrong
// and prints what it saw. preload_torture_test.cc runs every case natively and under the library
// and demands the same output and the same end.
//
// What a case prints must not depend on time, ids or addresses.
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include <initializer_list>

namespace oldornew::testing {

struct TortureCase {
  const char* name;
  void (*run)();
};

/// Prints a line of what was seen, at once (a case may die, fork or exec next).
__attribute__((format(printf, 1, 2))) inline void Say(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

/// Waits for a child and says how it ended: "exit 3" or "signal 31".
inline void SayEnd(const char* what, int child) {
  int status = 0;
  if (child < 0) {
    Say("%s: not started, %d", what, errno);
    return;
  }
  while (waitpid(child, &status, __WALL) < 0 && errno == EINTR) {
  }
  Say("%s: %s %d", what, WIFSIGNALED(status) ? "signal" : "exit",
      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/// A result as libc gives it, with errno when it is negative.
inline void SayResult(const char* what, long result) {
  Say("%s: %ld %d", what, result, result < 0 ? errno : 0);
}

/// Opens /dev/null, writes a byte, closes it. True if all went well.
bool WriteNull();

/// Path of this program, for cases that execute it again with other arguments.
extern const char* self;

/// Entry for `program --again name ...`: what a case had executed.
int Again(int argc, char** argv);

extern const TortureCase kSignalCases[];
extern const TortureCase kWaitCases[];
extern const TortureCase kThreadCases[];
extern const TortureCase kProcessCases[];
extern const TortureCase kExecCases[];
extern const TortureCase kMemoryCases[];

}  // namespace oldornew::testing
