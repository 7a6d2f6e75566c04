#include "cases/file_call.h"

#include "base/text.h"
#include "cases/call_site.h"

namespace oldornew {

Op OpOf(const FileCall& call) {
  Op op;
  op.process = call.process;
  op.thread = call.thread;
  op.syscall = call.syscall;
  op.call = call.call;
  op.path = call.path;
  op.path2 = call.path2;
  op.stack = call.stack;
  return op;
}

std::string PlaceOf(const Trace& trace, const FileCall& call) {
  constexpr size_t kFrames = 4;
  Op op = OpOf(call);
  if (op.stack.size() > kFrames) op.stack.resize(kFrames);
  return SiteOf(trace, op);
}

std::string DescribeShort(const FileCall& call) {
  const std::string path = call.path.empty() ? "." : call.path;
  return call.path2.empty() ? fmt::format("{}({})", call.call, path)
                            : fmt::format("{}({} → {})", call.call, path, call.path2);
}

size_t OpNumberOf(const Trace& trace, const FileCall& call) {
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    const bool within = op.begin >= call.begin && (call.end == 0 || op.end <= call.end);
    if (within && op.process == call.process && op.thread == call.thread &&
        op.syscall == call.syscall)
      return i + 1;
  }
  return 0;
}

}  // namespace oldornew
