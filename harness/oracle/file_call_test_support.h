// Helpers of the fault tests: file calls written by hand beside the ops of a TraceBuilder.
#pragma once

#include <string>

#include "cases/call_kind.h"
#include "cases/file_call.h"
#include "interpose/decode.h"
#include "model/testing/trace_builder.h"

namespace oldornew::testing {

inline int NumberOf(const std::string& call) {
  for (int number = 0; number < 512; ++number) {
    if (SyscallName(number) == call) return number;
  }
  return -1;
}

inline FileCall Call(const std::string& call, const std::string& path, int64_t result = 0,
                     const std::string& path2 = {}) {
  FileCall out;
  out.call = call;
  out.syscall = NumberOf(call);
  out.path = path;
  out.path2 = path2;
  out.result = out.told = result;
  out.requested = result > 0 ? static_cast<uint64_t>(result) : 0;
  if (call == "close") out.open_flags = O_WRONLY;
  return out;
}

inline FileCall Open(const std::string& path, uint32_t flags) {
  FileCall out = Call("openat", path, 3);
  out.open_flags = flags;
  out.requested = 0;
  return out;
}

/// Something has happened to the call.
inline FileCall Failed(FileCall call, int error, bool after = false) {
  call.injection = 0;
  if (!after) call.result = 0;
  call.told = -error;
  return call;
}

/// Tickets in the order of the calls, far apart so that ops fit between.
inline Trace With(Trace trace, std::vector<FileCall> calls) {
  uint64_t ticket = 1000;
  for (FileCall& call : calls) {
    if (call.begin == 0) {
      call.begin = ticket += 2;
      call.end = call.begin + 1;
    }
    trace.file_calls.push_back(call);
  }
  return trace;
}

}  // namespace oldornew::testing
