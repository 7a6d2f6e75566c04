// The recording comes into the process: the constructor maps it, whole or a window of it.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "interpose/funnel/memory.h"
#include "interpose/funnel/recorder.h"

namespace oldornew::preload {
namespace {

constexpr uint64_t kSmallestWindow = uint64_t{16} << 20;

/// False: it is not there or not of our version.
bool MapRecording(const char* path) {
  long fd = Gate(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  uint64_t start[3] = {};  // magic, version and flags, size
  long got = Gate(SYS_pread64, fd, start, sizeof start, 0);
  long address = -EINVAL;
  uint64_t mapped = 0;
  if (got == (long)sizeof start && start[0] == wire::kMagic &&
      (uint32_t)start[1] == wire::kVersion) {
    // Where RLIMIT_AS leaves less room a window from the start is mapped; what does not fit is
    // reported as overflow.
    const uint64_t room = MakeRoomFor(start[2]);
    uint64_t wanted = start[2];
    while (wanted > room && wanted / 2 >= kSmallestWindow) wanted /= 2;
    for (mapped = wanted; mapped >= kSmallestWindow || mapped == wanted; mapped /= 2) {
      address = Gate(SYS_mmap, 0, mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (address >= 0 || address < -4095 || address != -ENOMEM) break;
    }
  }

  Gate(SYS_close, fd);
  if (address < 0 && address >= -4095) return false;
  Gate(SYS_madvise, address, mapped, MADV_DONTDUMP);
  UseRecording((wire::Header*)address, mapped);

  return true;
}

}  // namespace

bool FunnelInit(char** envp, const uint64_t* auxv) {
  UseThreadPointer(auxv);
  for (char** entry = envp; *entry != nullptr; entry++) {
    if (StartsWith(*entry, wire::kRecordingVariable))
      return MapRecording(*entry + sizeof wire::kRecordingVariable - 1);
  }
  return false;
}

}  // namespace oldornew::preload
