// Handing a thread over to the tracer, before it executes an image that cannot be entered (wire.h,
// HandOver).
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <linux/time_types.h>

#include "interpose/funnel/account.h"
#include "interpose/funnel/recorder.h"
#include "interpose/preload/entry.h"

namespace oldornew::preload {
namespace {

constexpr int kSecondsToAnswer = 3;

bool KnockAtTheDoor() {
  const char* recording = SavedValue(wire::kRecordingVariable);
  const size_t length = recording != nullptr ? strlen(recording) : 0;
  char path[512];
  if (length == 0 || length + sizeof wire::kDoor > sizeof path) return false;
  memcpy(path, recording, length);
  memcpy(path + length, wire::kDoor, sizeof wire::kDoor);
  const long fd = Gate(__NR_openat, AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return false;
  const long put = Gate(__NR_write, fd, path, 1);
  Gate(__NR_close, fd);
  if (put == 1) NoteWrittenByUs(1);
  return put == 1 || put == -EAGAIN;  // full: it is being woken
}

/// Waits until the state is no longer `from`. False: nobody has answered.
bool Await(wire::HandOver* entry, uint32_t from) {
  const __kernel_timespec second = {1, 0};
  for (int i = 0; i < kSecondsToAnswer * 100; ++i) {
    if (__atomic_load_n(&entry->state, __ATOMIC_ACQUIRE) != from) return true;
    const long result = Gate(__NR_futex, &entry->state, FUTEX_WAIT, from, &second);
    if (result == -ETIMEDOUT) i += 99;
  }
  return __atomic_load_n(&entry->state, __ATOMIC_ACQUIRE) != from;
}

void Free(wire::HandOver* entry) {
  __atomic_store_n(&entry->state, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&entry->thread, 0, __ATOMIC_RELEASE);
}

wire::HandOver* Claim(uint32_t thread) {
  for (wire::HandOver& entry : g_header->hand_overs) {
    uint32_t free = 0;
    if (__atomic_compare_exchange_n(&entry.thread, &free, thread, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED))
      return &entry;
  }
  return nullptr;
}

}  // namespace

wire::HandOver* HandOverToTracer() {
  if (!settings.recording) return nullptr;
  const uint32_t tracer = __atomic_load_n(&g_header->tracer, __ATOMIC_ACQUIRE);
  wire::HandOver* entry = tracer != 0 ? Claim(static_cast<uint32_t>(ThreadId())) : nullptr;
  if (entry == nullptr) return nullptr;
  constexpr int kPermitTracer = 0x59616d61;  // PR_SET_PTRACER, where Yama guards
  Gate(__NR_prctl, kPermitTracer, tracer);
  __atomic_store_n(&entry->state, wire::kAsked, __ATOMIC_RELEASE);
  if (KnockAtTheDoor()) Await(entry, wire::kAsked);
  uint32_t asked = wire::kAsked;
  if (__atomic_compare_exchange_n(&entry->state, &asked, 0, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE) ||
      asked != wire::kTaken) {
    Free(entry);
    return nullptr;
  }

  return entry;
}

void TakeBackFromTracer(wire::HandOver* entry) {
  __atomic_store_n(&entry->state, wire::kFailed, __ATOMIC_RELEASE);
  KnockAtTheDoor();
  Await(entry, wire::kFailed);
}

}  // namespace oldornew::preload
