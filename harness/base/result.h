// Operating errors: a Result<T> is a value or an Error. No exception crosses an interface in this
// project.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace oldornew {

/// What the process should exit with when this error ends it (oracles.md 17).
enum class ExitCode : int {
  kClean = 0,
  kFindings = 1,
  kUsage = 2,
  kBaselineFailed = 3,
  kBounded = 4,
  kCannotJudge = 5,
  kInternal = 70,
  kInterrupted = 130,
};

/// One operating error: a sentence for a person, and the exit code of the process if nobody handles
/// the error.
struct Error {
  std::string message;
  ExitCode exit_code = ExitCode::kInternal;
};

/// A value, or the error that prevented it. The compiler warns about one that is ignored. (Debian's
/// tl::expected lacks the attribute for that.)
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

/// Status of an operation that yields nothing. Usage:
///   Status s = Write(...);
///   if (!s) return tl::unexpected(s.error());
using Status = Result<void>;

/// Builds an unexpected Error from a fmt format:
///   return Fail("cannot open {}: {}", path, ErrnoText(errno));
template <typename... Args>
tl::unexpected<Error> Fail(fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(
      Error{fmt::format(format, std::forward<Args>(args)...), ExitCode::kInternal});
}

/// The same with the exit code that the error leads to.
template <typename... Args>
tl::unexpected<Error> FailWith(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{fmt::format(format, std::forward<Args>(args)...), code});
}

/// "No space left on device (ENOSPC)" for ENOSPC.
std::string ErrnoText(int error);

/// "ENOSPC" for ENOSPC; "errno 4095" for an unknown number.
std::string ErrnoName(int error);

}  // namespace oldornew

#define OLDORNEW_CONCAT_INNER(a, b) a##b
#define OLDORNEW_CONCAT(a, b) OLDORNEW_CONCAT_INNER(a, b)

/// Evaluates a Result<T>. Returns an error from the enclosing function; assigns a value to `lhs`.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(OLDORNEW_CONCAT(result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr)              \
  auto tmp = (expr);                                       \
  if (!tmp) return tl::unexpected(std::move(tmp).error()); \
  lhs = std::move(*tmp)

/// Evaluates a Status. Returns an error from the enclosing function.
#define RETURN_IF_ERROR(expr)                                    \
  do {                                                           \
    if (auto status_or_error = (expr); !status_or_error)         \
      return tl::unexpected(std::move(status_or_error).error()); \
  } while (0)
