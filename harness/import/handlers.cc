#include "import/handlers.h"

#include <map>

namespace oldornew::replay {

namespace {

struct Row {
  const char* name;
  ReplayedCall call;
};

std::map<std::string, ReplayedCall> MakeTable() {
  using enum wire::RecordKind;
  constexpr wire::RecordKind kNone = kPad;
  constexpr Handler ReplayNone = nullptr;

  // By name, whatever this machine is: the log may come from another one.
  const Row rows[] = {
#define SYSCALL_X86_64 SYSCALL
#define SYSCALL(name, shape, handler, record, account, seen, fault, replay) \
  {#name, {Replay##replay, k##record}},
#include "interpose/syscalls.def"
      // Of 32-bit machines, which have no rows.
      {"_llseek", {ReplaySeek, kNone}},
      {"umount", {ReplayUnsupported, kNone}},
  };

  std::map<std::string, ReplayedCall> table;
  for (const Row& row : rows) {
    if (row.call.handler != nullptr) table.emplace(row.name, row.call);
  }

  return table;
}

}  // namespace

const ReplayedCall* FindReplayedCall(const std::string& name) {
  static const auto* const table = new std::map<std::string, ReplayedCall>(MakeTable());
  const auto found = table->find(name);
  return found == table->end() ? nullptr : &found->second;
}

}  // namespace oldornew::replay
