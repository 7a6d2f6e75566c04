// A log that strace -o wrote, as calls and events in order. Knows nothing of what the calls mean.
//
// Reads what strace 4.26 to 6.x print with -f or without, -ff (one file for each process), -t, -tt,
// -ttt, -r, -T, -i, -n, -k, -x, -xx, -y, -yy, -v, -X, -s: docs/import.md says which of them an
// import needs. Calls of several processes are put together again where strace took them apart
// ("<unfinished ...>", "<... resumed>").
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace oldornew {

struct StraceCall {
  int32_t tid = 0;
  std::string name;
  std::vector<std::string> arguments;  ///< as printed; strace_value.h takes them apart
  bool returned = false;               ///< false: "= ?", or the log ends in it
  int64_t result = 0;                  ///< -errno on failure
  /// what follows the number: "</a/file>", "(flags O_RDWR)"; empty when there is nothing
  std::string result_note;
  uint32_t file = 0;  ///< index of the input
  uint32_t line = 0;  ///< on which it begins, from 1

  bool failed() const { return !returned || result < 0; }
};

struct StraceEvent {
  enum class Kind : uint8_t {
    kBegin,    ///< `call` begins
    kEnd,      ///< `call` returns, or will not
    kExited,   ///< the thread ended with `status`
    kKilled,   ///< ... was ended by signal `status`
    kForeign,  ///< strace says that the process runs in 32-bit or x32 mode
  };
  Kind kind = Kind::kBegin;
  int32_t tid = 0;
  int32_t status = 0;
  size_t call = SIZE_MAX;  ///< index into StraceLog::calls
  uint32_t file = 0;
  uint32_t line = 0;
};

struct StraceLog {
  std::vector<std::string> files;
  std::vector<StraceCall> calls;    ///< of each file in the order of their begin
  std::vector<StraceEvent> events;  ///< every call begins once and ends once

  /// "LOG:17".
  std::string Where(uint32_t file, uint32_t line) const;
  std::string Where(const StraceCall& call) const { return Where(call.file, call.line); }
};

struct StraceFile {
  std::string name;
  std::string bytes;
  /// -ff: the thread whose file it is, from the name; 0: the lines say it, or there is one only
  int32_t tid = 0;
};

/// `path` itself, or, if there is no such file, all files "path.PID" of strace -ff. Errors: kUsage.
Result<std::vector<StraceFile>> ReadStraceFiles(const std::string& path);

/// Errors (kUsage): "LOG:17: what is wrong", in a line that is not of strace's form, or when
/// several files cannot be put in order for want of times. Whatever the bytes are, no more than
/// that happens.
Result<StraceLog> ParseStraceLog(const std::vector<StraceFile>& files);

/// How often each system call was made, as strace -c counts: failures too, and calls that never
/// returned.
std::map<std::string, uint64_t> CountCalls(const StraceLog& log);

}  // namespace oldornew
