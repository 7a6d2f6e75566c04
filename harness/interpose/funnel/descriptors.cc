#include "interpose/funnel/descriptors.h"

#include <fcntl.h>
#include <sys/syscall.h>

namespace oldornew::preload {

namespace {

constexpr int kSlots = 1024;  // higher descriptors are asked about each time

struct Slot {
  uint32_t known;  // 0 or 1, published last
  DescriptorFacts facts;
};
struct Slots {
  Slot slot[kSlots];
};

bool Cached(int fd) { return fd >= 0 && fd < kSlots && !SharesDescriptorsOrMemory(); }

}  // namespace

void RememberDescriptor(int fd, const wire::FileState& state, uint32_t flags) {
  if (!Cached(fd) || state.mode == 0) return;
  Slot& slot = Mine<Slots>().slot[fd];
  slot.facts = {state.dev, state.ino, state.mode, flags};
  __atomic_store_n(&slot.known, 1, __ATOMIC_RELEASE);
}

long LookUpDescriptor(int fd, DescriptorFacts* facts) {
  if (Cached(fd) && __atomic_load_n(&Mine<Slots>().slot[fd].known, __ATOMIC_ACQUIRE) != 0) {
    *facts = Mine<Slots>().slot[fd].facts;
    return 0;
  }

  wire::FileState state;
  long result = StatDescriptor(fd, &state);
  if (result != 0) return result;
  long flags = UnderProgramFilter() ? O_WRONLY : Gate(SYS_fcntl, fd, F_GETFL);
  if (flags < 0) return flags;
  *facts = {state.dev, state.ino, state.mode, (uint32_t)flags};
  RememberDescriptor(fd, state, (uint32_t)flags);
  return 0;
}

void ForgetDescriptor(int fd) {
  if (fd >= 0 && fd < kSlots) __atomic_store_n(&Mine<Slots>().slot[fd].known, 0, __ATOMIC_RELEASE);
}

void ForgetAllDescriptors() {
  for (int fd = 0; fd < kSlots; fd++) ForgetDescriptor(fd);
}

wire::FileState StateOf(const DescriptorFacts& facts) {
  wire::FileState state = {};
  state.dev = facts.dev;
  state.ino = facts.ino;
  state.mode = facts.mode;
  return state;
}

}  // namespace oldornew::preload
