// The FileLock of a process under record: a PI futex in the recording's header.
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include "interpose/funnel/recorder.h"

namespace oldornew::preload {
namespace {

void TakeOver(uint32_t word, uint32_t me, bool* mine) {
  uint32_t wanted = me | (word & FUTEX_WAITERS);
  *mine = __atomic_compare_exchange_n(&g_header->lock, &word, wanted, false, __ATOMIC_ACQUIRE,
                                      __ATOMIC_RELAXED);
}

bool TryLock(uint32_t me) {
  uint32_t expected = 0;
  return __atomic_compare_exchange_n(&g_header->lock, &expected, me, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}

void Lock(uint32_t me) {
  for (int spin = 0; spin < 200; spin++) {
    if (__atomic_load_n(&g_header->lock, __ATOMIC_RELAXED) == 0 && TryLock(me)) return;
    __builtin_ia32_pause();
  }

  for (;;) {
    if (TryLock(me)) return;
    long result = Gate(SYS_futex, &g_header->lock, FUTEX_LOCK_PI, 0, 0);
    uint32_t word = __atomic_load_n(&g_header->lock, __ATOMIC_RELAXED);
    if (result == 0) return;
    // The thread of this id that took it is dead: we got its number.
    if (result == -EDEADLK) return;
    bool mine = false;
    // the owner died and nobody waited for it
    if (result == -ESRCH && word != 0) TakeOver(word, me, &mine);
    if (mine) return;
    if (result != -ESRCH && result != -EAGAIN && result != -EINTR) Gate(SYS_sched_yield);
  }
}

void Unlock(uint32_t me) {
  uint32_t expected = me;
  if (__atomic_compare_exchange_n(&g_header->lock, &expected, 0, false, __ATOMIC_RELEASE,
                                  __ATOMIC_RELAXED))
    return;
  Gate(SYS_futex, &g_header->lock, FUTEX_UNLOCK_PI);
}

}  // namespace

FileLock::FileLock() {
  blocked_ = MayBeInterrupted() || FileSizeLimited();
  if (blocked_) BlockSignals(&old_mask_);
  tid_ = CurrentThread();
  Lock((uint32_t)tid_);
}

FileLock::~FileLock() {
  Unlock((uint32_t)tid_);
  if (blocked_) RestoreSignals(old_mask_);
}

}  // namespace oldornew::preload
