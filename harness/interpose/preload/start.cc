// Start: the constructor arms the process before any other code of the program runs.
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/prctl.h>

#include "interpose/preload/entry.h"

namespace oldornew::preload {

Settings settings;

namespace {

// ProcessId's cache. A CLONE_VM child (posix_spawn) shares it with its parent, so it is not used while there may be one.
int cached_process_id;
int shared_memory_children;
bool program_filter;

}  // namespace

void BlockSignals(uint64_t* old_mask) {
  const uint64_t all = ~SignalBit(SIGSYS);
  Gate(__NR_rt_sigprocmask, SIG_SETMASK, &all, old_mask, sizeof all);
}

void RestoreSignals(uint64_t old_mask) {
  Gate(__NR_rt_sigprocmask, SIG_SETMASK, &old_mask, 0, sizeof old_mask);
}

int ProcessId() {
  if (__atomic_load_n(&shared_memory_children, __ATOMIC_RELAXED) != 0) return static_cast<int>(Gate(__NR_getpid));
  int id = __atomic_load_n(&cached_process_id, __ATOMIC_RELAXED);
  if (id == 0) {
    id = static_cast<int>(Gate(__NR_getpid));
    __atomic_store_n(&cached_process_id, id, __ATOMIC_RELAXED);
  }
  return id;
}

int ThreadId() { return static_cast<int>(Gate(__NR_gettid)); }

bool UnderProgramFilter() { return __atomic_load_n(&program_filter, __ATOMIC_RELAXED); }

void NoteProgramFilter() { __atomic_store_n(&program_filter, true, __ATOMIC_RELAXED); }

void ForgetCachedProcessId() { __atomic_store_n(&cached_process_id, 0, __ATOMIC_RELAXED); }

void NoteSharedMemoryChild(int delta) { __atomic_fetch_add(&shared_memory_children, delta, __ATOMIC_RELAXED); }

}  // namespace oldornew::preload
