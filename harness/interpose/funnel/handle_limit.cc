// RLIMIT_AS as the program would have it without us. The recording is a mapping of gigabytes, so
// the kernel is given the program's limit plus our room, and the program reads its own limit back.
// The kernel compares pages: the lowest twelve bits of a limit are free to say that our room has
// been added, which survives fork and exec without any memory of ours.
//
// RLIMIT_FSIZE only has to be known: a call that meets it raises SIGXFSZ.
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "interpose/funnel/handlers.h"
#include "interpose/funnel/memory.h"

namespace oldornew::preload {
namespace {

constexpr uint64_t kPageBits = 4095;
constexpr uint64_t kUnlimited = RLIM64_INFINITY;

// Two kinds of room, each with a mark of its own, because a process may go from one backend to the
// other.
constexpr uint64_t kMark = 0x9d7;
constexpr uint64_t kTracedMark = 0x9d9;
/// Besides the recording: the library, the pages of patched sites, stacks for signals.
constexpr uint64_t kOurOtherRoom = uint64_t{16} << 20;
#ifdef OLDORNEW_HOSTED
constexpr uint64_t kMarkOfOurs = kTracedMark;
#else
constexpr uint64_t kMarkOfOurs = kMark;
#endif

struct FileSize {
  bool limited;
};

uint64_t RoomOf(uint64_t mark, uint64_t recording_size) {
  return mark == kTracedMark ? kTracedRoom : wire::AlignUp(recording_size, 4096) + kOurOtherRoom;
}

uint64_t OurRoom(uint64_t recording_size) { return RoomOf(kMarkOfOurs, recording_size); }

/// The program's limit, whichever room was added to it.
uint64_t Taken(uint64_t limit, uint64_t recording_size) {
  const uint64_t mark = limit & kPageBits;
  if (limit == kUnlimited || (mark != kMark && mark != kTracedMark)) return limit;
  const uint64_t added = RoomOf(mark, recording_size) + mark;
  return limit < added ? limit : limit - added;
}

uint64_t Added(uint64_t limit, uint64_t recording_size) {
  limit = Taken(limit, recording_size);
  if (limit == kUnlimited || limit >= kUnlimited / 2) return limit;
  return (limit & ~kPageBits) + OurRoom(recording_size) + kMarkOfOurs;
}

bool HasRoom(uint64_t limit) { return limit == kUnlimited || (limit & kPageBits) == kMarkOfOurs; }

/// What to ask the kernel for when the program asks for `wanted`.
rlimit64 Widened(long process, const rlimit64& wanted) {
  const uint64_t size = g_header->size;
  rlimit64 wide = {Added(wanted.rlim_cur, size), Added(wanted.rlim_max, size)};
  rlimit64 now;
  if (Gate(SYS_prlimit64, process, RLIMIT_AS, 0, &now) != 0) return wanted;
  // A hard limit from before us, which the unprivileged could not widen: there is no room of ours
  // to add.
  if (!HasRoom(now.rlim_max) && wide.rlim_max > now.rlim_max) return wanted;
  return wanted.rlim_cur > wanted.rlim_max ? wanted : wide;  // EINVAL, as without us
}

}  // namespace

void LearnFileSizeLimit() {
  rlimit64 limit;
  const bool known = Gate(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, &limit) == 0;
  __atomic_store_n(&Mine<FileSize>().limited, known && limit.rlim_cur != kUnlimited,
                   __ATOMIC_RELAXED);
}

bool FileSizeLimited() { return __atomic_load_n(&Mine<FileSize>().limited, __ATOMIC_RELAXED); }

uint64_t MakeRoomFor(uint64_t size) {
  rlimit64 limit;
  if (Gate(SYS_prlimit64, 0, RLIMIT_AS, 0, &limit) != 0) return size;
  rlimit64 wide = {Added(limit.rlim_cur, size), Added(limit.rlim_max, size)};
  if (wide.rlim_cur == limit.rlim_cur && wide.rlim_max == limit.rlim_max) return size;
  if (Gate(SYS_prlimit64, 0, RLIMIT_AS, &wide, 0) == 0) return size;

  // Not privileged: the hard limit stays, and the soft one may rise as far as that.
  wide.rlim_max = limit.rlim_max;
  if (wide.rlim_cur <= wide.rlim_max && Gate(SYS_prlimit64, 0, RLIMIT_AS, &wide, 0) == 0)
    return size;
  return limit.rlim_cur / 4;
}

long HandleLimit(Call& call) {
  const bool both = call.nr == SYS_prlimit64;
  long& resource = call.args[both ? 1 : 0];
  if ((int)resource == RLIMIT_FSIZE) {
    const long result = CarryOut(call);
    if (!UnderProgramFilter()) LearnFileSizeLimit();
    return result;
  }

  if ((int)resource != RLIMIT_AS) return CarryOut(call);
  constexpr long kNone = 0;
  const long wanted_at = both ? call.args[2] : call.nr == SYS_setrlimit ? call.args[1] : kNone;
  const long old_at = both ? call.args[3] : call.nr == SYS_getrlimit ? call.args[1] : kNone;
  rlimit64 wide;
  if (wanted_at != 0) {
    rlimit64 wanted;
    if (long error = CopyIn(&wanted, (const rlimit64*)wanted_at); error != 0) return error;
    wide = Widened(both ? call.args[0] : 0, wanted);
    call.args[both ? 2 : 1] = (long)&wide;
  }

  rlimit64 old;
  if (old_at != 0) call.args[both ? 3 : 1] = (long)&old;
  const long result = CarryOut(call);
  if (result != 0 || old_at == 0) return result;
  old.rlim_cur = Taken(old.rlim_cur, g_header->size);
  old.rlim_max = Taken(old.rlim_max, g_header->size);

  return CopyOut((void*)old_at, &old, sizeof old);
}

}  // namespace oldornew::preload
