#include "interpose/funnel/stack.h"

#include "interpose/funnel/memory.h"

namespace oldornew::preload {

namespace {

constexpr uint32_t kRemembered = 64;
// the kernel maps libraries above, programs below
constexpr uint64_t kLibraries = uint64_t{0x700000000000};

struct CodeRange {
  uint64_t start;
  uint64_t end;
};

/// A loop makes calls with the same stack again and again. The stack is recorded once and then
/// referred to.
struct Remembered {
  uint64_t ip;
  uint64_t sp;
  uint64_t ticket;  // Record::begin of the record that has the words
  uint32_t count;
  uint64_t words[kMaxStackWords];  // index << 48 | value
};

struct Stacks {
  // below and above kLibraries; what lies between two modules is taken for code as well
  CodeRange code[2];
  bool new_code;
  Remembered remembered[kRemembered];
};

Remembered& SlotOf(uint64_t ip, uint64_t sp) {
  return Mine<Stacks>().remembered[(ip ^ ip >> 7 ^ sp >> 3 ^ sp >> 9) % kRemembered];
}

bool Within(const CodeRange& range, uint64_t value) {
  return range.start <= value && value < range.end;
}

bool StillThere(const Remembered& known, const StackView& stack) {
  if (known.count == 0) return true;
  uint64_t last = known.sp + (known.words[known.count - 1] >> 48) * 8;
  if (!stack.ReachesAll(last)) return false;
  for (uint32_t i = 0; i < known.count; i++) {
    if (stack.At(known.sp + (known.words[i] >> 48) * 8) != (known.words[i] & 0xffffffffffff))
      return false;
  }
  return true;
}

void Scan(Remembered* known, const StackView& stack) {
  const CodeRange* code = Mine<Stacks>().code;
  known->count = 0;
  uint64_t end = known->sp + StackView::kRange;
  for (uint64_t at = known->sp; at < end && known->count < kMaxStackWords; at += 8) {
    if (!stack.Reaches(at)) return;
    uint64_t value = stack.At(at);
    bool matters =
        Within(code[0], value) || Within(code[1], value) || (value > known->sp && value < end);
    if (matters) known->words[known->count++] = (at - known->sp) / 8 << 48 | value;
  }
}

uint64_t Hex(const char** text, const char* end) {
  uint64_t value = 0;
  for (; *text < end; ++*text) {
    char c = **text;
    if (c >= '0' && c <= '9') {
      value = value << 4 | (uint64_t)(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value << 4 | (uint64_t)(c - 'a' + 10);
    } else {
      break;
    }
  }

  return value;
}

void Extend(uint64_t start, uint64_t end) {
  if (start >> 47 != 0) return;  // vsyscall
  CodeRange& range = Mine<Stacks>().code[start >= kLibraries ? 1 : 0];
  if (range.end == 0 || start < range.start) range.start = start;
  if (end > range.end) range.end = end;
}

}  // namespace

void LearnCode(const char* maps, uint64_t length) {
  const char* end = maps + length;
  Mine<Stacks>().code[0] = Mine<Stacks>().code[1] = {0, 0};
  while (maps < end) {
    uint64_t first = Hex(&maps, end);
    maps++;
    uint64_t last = Hex(&maps, end);
    if (end - maps > 4 && maps[3] == 'x') Extend(first, last);
    const char* rest = maps;
    while (maps < end && *maps != '\n') maps++;
    if (maps - rest > 7 && memcmp(maps - 7, "[stack]", 7) == 0) SetMainStackEnd(last);
    maps++;
  }
}

void NoteCode(uint64_t start, uint64_t end) {
  Extend(start, end);
  __atomic_store_n(&Mine<Stacks>().new_code, true, __ATOMIC_RELAXED);
}

bool TakeNewCode() {
  if (!__atomic_load_n(&Mine<Stacks>().new_code, __ATOMIC_RELAXED)) return false;
  return __atomic_exchange_n(&Mine<Stacks>().new_code, false, __ATOMIC_RELAXED);
}

void ForgetStack(uint64_t ticket, uint64_t ip, uint64_t sp) {
  Remembered& known = SlotOf(ip, sp & ~uint64_t{7});
  if (known.ticket == ticket) known.sp = 0;
}

void AddStack(RecordWriter& record, uint64_t ip, uint64_t sp) {
  if (sp == 0 || !record.ok()) return;
  sp &= ~uint64_t{7};
  const StackView stack(sp);
  Remembered& known = SlotOf(ip, sp);
  if (known.ip == ip && known.sp == sp && StillThere(known, stack)) {
    record.Add(wire::SectionType::kStack, &known.ticket, sizeof known.ticket);
    return;
  }

  known.ip = ip;
  known.sp = sp;
  known.ticket = record->begin;
  Scan(&known, stack);

  // An empty stack still takes two words, so that it is not taken for a reference.
  if (known.count == 0) known.words[0] = 0;
  record.Add(wire::SectionType::kStack, known.words, known.count < 2 ? 16 : known.count * 8);
}

}  // namespace oldornew::preload
