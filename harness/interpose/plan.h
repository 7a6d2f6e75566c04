// Plan: what shall go wrong in a run. It travels in the header of the recording, and the funnel of
// both backends carries it out. That happens at the system call, never above it, so what the kernel
// knows and what is reported to the program are what they would be if the kernel itself had failed.
//
// People write it in strace's grammar, for instance `rename:error=EXDEV:when=2`:
//
//   SET[:path=GLOB]
//      [:error=ERRNO | :retval=N | :short=BYTES]
//      [:effect=full]
//      [:signal=NAME]
//      [:when=FIRST[..[LAST]][+STEP]]
//
//   SET    system calls, classes and /REGEX, separated by commas. `rename` is only rename, as with
//          strace; /^rename is renameat and renameat2 too.
//   GLOB   a colon in it needs a backslash.
//   when   absent: every time. It counts over the whole run, unlike strace, which counts in every
//          thread anew. So `all:...:when=N` is the N-th of Trace::file_calls of a survey.
//
// The classes of calls:
//
//   %file    file calls by path, as with strace
//   %desc    file calls by descriptor, as with strace
//   all      both of these
//   %disk    what a dead disk makes fail: %change and %sync
//   %change  whatever changes bytes, names or attributes
//   %write   the part of %change that transfers bytes
//   %sync    what forces bytes to disk
//   %open    what opens files
//
// Only calls of interpose/file_calls.h on something in the sandbox are counted, so neither those of
// the loader nor those for the locale. A call is counted for every injection that it fits. What
// happens to it is the first injection that is due.
//
// A close that fails closes all the same, with or without effect=full, as on Linux. An mmap that
// fails never maps. If the program has a seccomp filter of its own that could not be opened for us,
// nothing is noted and nothing happens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oldornew {

/// One thing that goes wrong, at some of the calls that it matches.
struct Injection {
  enum class Kind : uint8_t {
    kFail,     ///< `error` is reported to the program
    kReturn,   ///< `value` is reported, and nothing happens
    kShorten,  ///< at most `value` bytes are transferred, by the kernel: a real short count
    kSignal,   ///< only the signal
  };
  Kind kind = Kind::kFail;
  std::vector<int> calls;  ///< system call numbers, ascending
  /// Glob (funnel/glob.h: "*" does not cross "/", "**" does) that the path of the call, or of a
  /// call with two the second one, or its last component, must match: relative to the judged
  /// directory, absolute elsewhere in the sandbox. Empty: any.
  std::string path;
  int error = 0;       ///< kFail: errno
  int64_t value = 0;   ///< kReturn, kShorten
  bool after = false;  ///< kFail, signals: the call is carried out first ("error, though done")
  int signal = 0;  ///< sent to the calling process at the call (before it, or `after` it); 0: none
  uint32_t first = 1;          ///< the first matching call that it happens to, counted from 1 ...
  uint32_t last = UINT32_MAX;  ///< ... to this one ...
  uint32_t step = 1;           ///< ... each step-th

  bool operator==(const Injection&) const = default;
};

struct Plan {
  /// at most wire::kMaxInjections; the first that fits a call happens
  std::vector<Injection> injections;
  bool survey = false;  ///< note every file call on something in the sandbox: Trace::file_calls

  bool empty() const { return injections.empty() && !survey; }
};

/// Errors (usage): one sentence that names the part that is wrong.
Result<Injection> ParseInjection(std::string_view text);
/// The text that ParseInjection reads as the same injection.
std::string FormatInjection(const Injection& injection);

/// "TERM"; the number for what has no name.
std::string SignalName(int signal);

/// The calls that a class of the grammar stands for ("%disk"), ascending. REQUIRES: there is such a
/// class.
const std::vector<int>& CallsOfClass(std::string_view name);

/// The errno of that name (base/result.h has the other direction); 0: there is none.
int ErrnoByName(std::string_view name);

}  // namespace oldornew
