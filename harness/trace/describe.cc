// Ops in words, for `show` and for findings.
#include <errno.h>
#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"
#include "trace/trace.h"

namespace oldornew {

const char* OpKindName(OpKind kind) {
  static constexpr const char* kNames[] = {
      "create",  "link",       "unlink",      "rename",   "write", "truncate",  "allocate",
      "setattr", "setxattr",   "removexattr", "settimes", "fsync", "fdatasync", "syncfs",
      "sync",    "sync_range", "close",       "output",   "exit"};
  return kNames[static_cast<size_t>(kind)];
}

namespace {

std::string Name(const Op& op) { return op.call.empty() ? OpKindName(op.kind) : op.call; }

// What stands between the parentheses, without the payload.
std::string Arguments(const Op& op) {
  switch (op.kind) {
    case OpKind::kCreate:
      return op.dir == kNoObject ? std::string("O_TMPFILE")
             : op.path2.empty()  ? fmt::format("{}, {:04o}", op.path, op.mode)
                                 : fmt::format("{} → {}", op.path, op.path2);
    case OpKind::kLink:
      return op.path2.empty() ? op.path : fmt::format("{} → {}", op.path2, op.path);
    case OpKind::kRename:
      return fmt::format("{} {} {}", op.path, op.flags & kFlagExchange ? "↔" : "→", op.path2);
    case OpKind::kWrite:
      return fmt::format("{}, {}", op.path, ByteSize(op.error != 0 ? op.requested : op.length));
    case OpKind::kTruncate:
      return fmt::format("{}, {} → {}", op.path, ByteSize(op.size_before), ByteSize(op.size_after));
    case OpKind::kAllocate:
    case OpKind::kSyncRange:
      return fmt::format("{}, {} at {}", op.path, ByteSize(op.length), op.offset);
    case OpKind::kSetAttributes:
      return fmt::format("{}, {:04o} {}:{}", op.path, op.mode, op.uid, op.gid);
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
      return fmt::format("{}, {}", op.path, op.key);
    case OpKind::kOutput:
      return op.name;
    case OpKind::kExit:
      return fmt::format("{}", op.mode);
    case OpKind::kSyncAll:
      return {};
    default:
      return op.path;
  }
}

/// What a call that was done gave, if that says anything.
std::string Value(const Op& op) {
  if (op.kind == OpKind::kWrite) return fmt::format(" = {}", op.length);
  if (op.kind == OpKind::kCreate && op.descriptor >= 0) return fmt::format(" = {}", op.descriptor);
  return "";
}

}  // namespace

std::string DescribeShort(const Op& op) { return fmt::format("{}({})", Name(op), Arguments(op)); }

std::string Describe(const Trace& trace, const Op& op) {
  std::string arguments = Arguments(op);
  if (op.kind == OpKind::kWrite) arguments += fmt::format(" at {}", op.offset);
  if ((op.kind == OpKind::kWrite || op.kind == OpKind::kOutput || op.kind == OpKind::kSetXattr) &&
      op.error == 0) {
    arguments += ", " + Quote(trace.Payload(op), 32);
  }
  std::string line = fmt::format("{}({})", Name(op), arguments);
  if (op.flags & kFlagInFlight) return line + " = ? (killed in it)";
  const char* injected = (op.flags & kFlagInjected) != 0 ? " (injected)" : "";
  if (op.told != 0)
    return line + fmt::format(" = -1 {} (injected, though done)", ErrnoText(op.told));
  if (op.error == ECANCELED && *injected != 0)
    return line + " = ? (injected: not done, but told so)";
  if (op.error != 0) return line + fmt::format(" = -1 {}{}", ErrnoText(op.error), injected);
  line += Value(op);
  return line + injected;
}

std::string Describe(const Trace& trace, const FileCall& call) {
  std::string subject =
      call.descriptor >= 0 ? fmt::format("{} {}", call.descriptor, call.path) : call.path;
  if (!call.path2.empty()) subject += " → " + call.path2;
  if (call.requested != 0) subject += ", " + ByteSize(call.requested);
  const std::string line = fmt::format("{}({})", call.call, subject);
  if (call.end == 0) return line + " = ? (killed in it)";
  const std::string value = call.told < 0
                                ? fmt::format("-1 {}", ErrnoText(static_cast<int>(-call.told)))
                                : std::to_string(call.told);
  if (call.injection < 0) return fmt::format("{} = {}", line, value);
  const std::string& plan = trace.plan.at(static_cast<size_t>(call.injection));
  const bool failed = call.told < 0 && call.result >= 0;
  const bool done = plan.find(":effect=full") != std::string::npos || call.call == "close";
  return fmt::format("{} = {} (injected{})", line, value, failed && done ? ", though done" : "");
}

}  // namespace oldornew
