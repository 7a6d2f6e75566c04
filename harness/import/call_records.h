// The records that a replay leaves, with their tickets: what the recorder would have written of the
// calls of the log.
#pragma once

#include <cstdint>
#include <map>

#include "import/processes.h"
#include "import/record_buffer.h"
#include "interpose/strace_log.h"

namespace oldornew::replay {

class CallRecords {
 public:
  explicit CallRecords(const Processes* processes) : processes_(*processes) {}

  /// The call with this index in the log begins: it takes its ticket.
  void Begin(size_t call) { begins_[call] = ++ticket_; }
  bool Begun(size_t call) const { return begins_.count(call) != 0; }

  /// Which call is being carried out: Draft() makes records of it.
  void SetCurrent(size_t call) { current_ = call; }
  size_t current() const { return current_; }

  RecordDraft Draft(wire::RecordKind kind, const StraceCall& call);

  /// Appends the record: done if the call returned, else in flight.
  void Emit(RecordDraft draft, const StraceCall& call);
  /// Appends the record of a call that is done though it never returns.
  void EmitDone(RecordDraft draft);

  const RecordBuffer& buffer() const { return buffer_; }

 private:
  const Processes& processes_;
  RecordBuffer buffer_;
  std::map<size_t, uint64_t> begins_;  // call -> ticket
  uint64_t ticket_ = 0;
  size_t current_ = 0;
};

}  // namespace oldornew::replay
