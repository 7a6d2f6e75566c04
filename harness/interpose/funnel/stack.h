// Call stacks, cheaply: of the words above the stack pointer only those are kept that may matter to
// an unwinder, addresses of code and of the stack itself. The unwinding is done by the decoder,
// with the programs' own unwind tables.
#pragma once

#include "interpose/funnel/recorder.h"

namespace oldornew::preload {

/// Room that AddStack needs in a record.
inline constexpr uint32_t kMaxStackWords = 60;
inline constexpr uint64_t kStackRoom = wire::SectionSize(kMaxStackWords * 8);

/// Adds the kStack section. REQUIRES: the FileLock is held.
void AddStack(RecordWriter& record, uint64_t ip, uint64_t sp);

/// The record that began at `ticket` is none: no later one may refer to its stack.
void ForgetStack(uint64_t ticket, uint64_t ip, uint64_t sp);

/// Takes note of where code lies, from the text of /proc/self/maps.
void LearnCode(const char* maps, uint64_t length);
/// [start, end) has become executable.
void NoteCode(uint64_t start, uint64_t end);
/// True, once, after NoteCode: the list of modules should be recorded again.
bool TakeNewCode();

}  // namespace oldornew::preload
