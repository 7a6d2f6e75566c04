// The funnel: every system call of the program passes here once. Calls that cannot change a file,
// a name or what is on disk are carried out at once, without a further system call.
#include <signal.h>
#include <sys/syscall.h>

#include "interpose/funnel/account.h"
#include "interpose/funnel/handlers.h"
#include "interpose/funnel/hole.h"
#include "interpose/funnel/seam.h"
#include "interpose/syscall_numbers.h"

namespace oldornew::preload {

namespace {

/// Those opens that are not accounted for are for reading only.
bool IsOpen(long nr) { return nr == SYS_openat || nr == SYS_open; }

/// Calls that stand in no row are carried out.
long Handle(Call& call) {
  switch (call.nr) {
#define SYSCALL(name, shape, handler, ...) \
  case __NR_##name:                        \
    return handler(call);
#include "interpose/syscalls.def"
    default:
      return CarryOut(call);
  }
}

}  // namespace

long Funnel(Call& call) {
  if (g_header == nullptr) return CarryOut(call);
  if (__atomic_load_n(&g_header->stop, __ATOMIC_RELAXED) != 0) Gate(SYS_kill, ProcessId(), SIGKILL);
  if (IsHole(Hole::kUncounted, call.nr)) return CarryOut(call);
  if (IsHole(Hole::kDisarmed, call.nr)) {
    DisarmThread();
    return CarryOut(call);
  }

  uint64_t slot = (uint64_t)call.nr < wire::kMaxSyscall ? (uint64_t)call.nr : wire::kMaxSyscall - 1;
  __atomic_fetch_add(&g_header->calls[slot], 1, __ATOMIC_RELAXED);
  return g_header->planned != 0 ? WithPlan(call) : Handled(call);
}

long Handled(Call& call) {
  if (call.nr == SYS_read || call.nr == SYS_lseek) return CarryOut(call);
  const int index = AccountedAt(call);
  if (index < 0) return IsOpen(call.nr) ? CarryOut(call) : Handle(call);
  NoteEntered(index);
  const long result = IsHole(Hole::kCounted, call.nr) ? CarryOut(call) : Handle(call);
  NoteReturned(index, call, result);
  if (IsHole(Hole::kLost, call.nr)) WipeLastRecord();
  return result;
}

}  // namespace oldornew::preload
