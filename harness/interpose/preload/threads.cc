// Threads of this process, by id and by thread pointer.
#include <sys/syscall.h>

#include "interpose/funnel/memory.h"
#include "interpose/funnel/recorder.h"

namespace oldornew::preload {
namespace {

// Thread numbers by thread id, open addressing. Full: number ~0, which only costs the report a
// name.
constexpr uint32_t kThreadSlots = 4096;
uint64_t g_threads[kThreadSlots];  // tid << 32 | number + 1
uint32_t g_next_thread = 0;

// Threads by thread pointer: pointer / 64 in the upper 42 bits, thread id (at most 2^22) in the
// lower ones. A thread that starts overwrites whoever had its pointer before; if that one lives,
// they share it, and the table is given up.
constexpr uint32_t kPointerSlots = 512;
uint64_t g_by_pointer[kPointerSlots];
bool g_use_pointer = false;

/// 0: not to be used.
uint64_t ThreadPointerKey() {
  if (!__atomic_load_n(&g_use_pointer, __ATOMIC_RELAXED) || SharesDescriptorsOrMemory()) return 0;
  uint64_t pointer;
  asm volatile("rdfsbase %0" : "=r"(pointer));
  return (pointer & 63) == 0 && pointer >> 47 == 0 ? pointer >> 6 : 0;
}

uint64_t* SlotOfPointer(uint64_t key) {
  return &g_by_pointer[(key ^ key >> 6 ^ key >> 12) % kPointerSlots];
}

void RememberThread(uint64_t key, int tid) {
  if (key != 0) __atomic_store_n(SlotOfPointer(key), key << 22 | (uint64_t)tid, __ATOMIC_RELAXED);
}

}  // namespace

void UseThreadPointer(const uint64_t* auxv) {
  constexpr uint64_t kHwcap2 = 26;  // AT_HWCAP2
  constexpr uint64_t kFsGsBase = 2;
  for (; auxv[0] != 0; auxv += 2) {
    if (auxv[0] == kHwcap2) g_use_pointer = (auxv[1] & kFsGsBase) != 0;
  }
}

void DistrustThreadPointer() { __atomic_store_n(&g_use_pointer, false, __ATOMIC_RELAXED); }

int CurrentThread() {
  uint64_t key = ThreadPointerKey();
  if (key != 0) {
    uint64_t entry = __atomic_load_n(SlotOfPointer(key), __ATOMIC_RELAXED);
    if (entry >> 22 == key) return (int)(entry & 0x3fffff);
  }
  int tid = ThreadId();
  RememberThread(key, tid);
  return tid;
}

void NumberThread(int tid, bool first) {
  if (first) memset(g_by_pointer, 0, sizeof g_by_pointer);
  if (uint64_t key = ThreadPointerKey(); key != 0) {
    uint64_t entry = __atomic_load_n(SlotOfPointer(key), __ATOMIC_RELAXED);
    int before = (int)(entry & 0x3fffff);
    bool shared =
        entry >> 22 == key && before != tid && Gate(SYS_tgkill, ProcessId(), before, 0) == 0;
    if (shared) DistrustThreadPointer();
    RememberThread(key, tid);
  }

  if (first) {
    memset(g_threads, 0, sizeof g_threads);
    __atomic_store_n(&g_next_thread, 0, __ATOMIC_RELAXED);
  }

  uint64_t entry =
      (uint64_t)(uint32_t)tid << 32 | (__atomic_fetch_add(&g_next_thread, 1, __ATOMIC_RELAXED) + 1);
  for (uint32_t i = 0; i < kThreadSlots; i++) {
    uint64_t* slot = &g_threads[((uint32_t)tid + i) % kThreadSlots];
    uint64_t old = __atomic_load_n(slot, __ATOMIC_RELAXED);
    bool reusable = old == 0 || (uint32_t)(old >> 32) == (uint32_t)tid;
    if (reusable &&
        __atomic_compare_exchange_n(slot, &old, entry, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
      return;
  }
}

uint32_t ThreadNumber(int tid) {
  if (tid == ProcessId()) return 0;
  for (uint32_t i = 0; i < kThreadSlots; i++) {
    uint64_t entry =
        __atomic_load_n(&g_threads[((uint32_t)tid + i) % kThreadSlots], __ATOMIC_RELAXED);
    if ((uint32_t)(entry >> 32) == (uint32_t)tid) return (uint32_t)entry - 1;
    if (entry == 0) break;
  }
  return ~0u;
}

}  // namespace oldornew::preload
