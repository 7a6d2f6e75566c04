#include "import/call_records.h"

#include <string>
#include <utility>

#include "interpose/decode.h"

namespace oldornew::replay {

namespace {

const std::map<std::string, int>& SyscallNumbers() {
  static const auto* const numbers = [] {
    auto* map = new std::map<std::string, int>;
    for (int number = 0; number < static_cast<int>(wire::kMaxSyscall); ++number)
      map->emplace(SyscallName(number), number);
    return map;
  }();
  return *numbers;
}

}  // namespace

RecordDraft CallRecords::Draft(wire::RecordKind kind, const StraceCall& call) {
  RecordDraft draft;
  draft->kind = static_cast<uint16_t>(kind);
  draft->begin = begins_[current_];

  const ReplayedThread& thread = processes_.ThreadOf(call);
  draft->pid = thread.process->pid;
  draft->tid = call.tid;
  draft->thread = thread.number;

  const auto number = SyscallNumbers().find(call.name);
  draft->nr = number == SyscallNumbers().end() ? -1 : number->second;
  draft->descriptor = -1;
  draft->ret = call.result;
  return draft;
}

void CallRecords::Emit(RecordDraft draft, const StraceCall& call) {
  if (call.returned) return EmitDone(std::move(draft));
  draft->state = static_cast<uint32_t>(wire::RecordState::kBegun);
  buffer_.Append(draft);
}

void CallRecords::EmitDone(RecordDraft draft) {
  draft->end = ++ticket_;
  draft->state = static_cast<uint32_t>(wire::RecordState::kDone);
  buffer_.Append(draft);
}

}  // namespace oldornew::replay
