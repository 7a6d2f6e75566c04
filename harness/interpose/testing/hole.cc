// What funnel/hole.h declares, for the library with holes.
#include "interpose/funnel/hole.h"

#include "interpose/funnel/memory.h"

namespace oldornew::preload {

namespace {

constexpr const char kVariable[] = "OLDORNEW_HOLE=";

Hole g_kind = Hole::kNone;
long g_nr;
long g_countdown;
void* g_record;
uint64_t g_record_size;

const char* ReadNumber(const char* text, long* number) {
  *number = 0;
  while (*text >= '0' && *text <= '9') *number = *number * 10 + (*text++ - '0');
  return *text == ':' ? text + 1 : text;
}

}  // namespace

void LearnHole(char** envp) {
  for (; *envp != nullptr; envp++) {
    if (!StartsWith(*envp, kVariable)) continue;
    const char* text = *envp + sizeof kVariable - 1;
    g_kind = (Hole)*text;
    if (text[0] != 0 && text[1] == ':') text = ReadNumber(text + 2, &g_nr);
    ReadNumber(text, &g_countdown);
  }
}

bool IsHole(Hole kind, long nr) {
  return kind == g_kind && nr == g_nr && __atomic_sub_fetch(&g_countdown, 1, __ATOMIC_SEQ_CST) == 0;
}

void NoteRecord(void* record, uint64_t size) {
  g_record = record;
  g_record_size = size;
}

void WipeLastRecord() {
  if (g_record != nullptr) memset(g_record, 0, g_record_size);
}

}  // namespace oldornew::preload
