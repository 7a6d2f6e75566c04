// Patching: a call site that is used often is rewritten into a jump to a trampoline, which takes 50
// ns instead of the 2 us of a dispatched call. Syscall User Dispatch stays on: whatever is not
// rewritten still arrives.
//
// A site is rewritten when it has been dispatched a few times. So nothing has to be searched for,
// and the facts come from the call itself. Two shapes are nearly all of libc:
//
//   mov $number, %eax ; syscall
//       The five bytes of the mov become a jump to the trampoline. The `syscall` stays where it is,
//       so a thread that is just after the mov, or just after the syscall, still finds what it
//       expects.
//
//   xor %eax, %eax ; syscall        (read)
//       The two bytes become a short jump into a run of padding, which becomes the jump.
//
// That the bytes before the syscall are that mov and not the tail of a longer instruction is known
// because rax held exactly that number when the call was dispatched (see IsMove).
//
// Other threads may run through the site meanwhile. The jump is written in three steps, as HotSpot
// does it: first two bytes that jump onto themselves, then the rest, then the first two. Between
// the steps every processor that runs this process is made to serialise (membarrier). A signal
// handler of our own thread would spin there for ever, so signals are blocked. A child that another
// thread forks at that moment finishes the site itself (FinishPatchingAfterFork).
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "interpose/preload/entry.h"

extern "C" {
void PatchedEntry();
extern char TrampolinesStart[] __attribute__((visibility("hidden")));
extern char TrampolinesEnd[] __attribute__((visibility("hidden")));
}

namespace oldornew::preload {
namespace {

constexpr unsigned kHitsBeforePatch = 4;
constexpr size_t kSites = 1024;  ///< a power of two
constexpr size_t kTrampolineSize = 64;
constexpr uint32_t kGivenUp = ~0u;

struct Site {
  uint64_t ip;
  uint32_t hits;
};
Site sites[kSites];

// Guards what follows.
int patch_lock;
uint8_t* unfinished_site;  ///< the jump that is being written, and where it will lead
const void* unfinished_target;
size_t trampolines_used;
bool trampolines_writable;
Call deferred;  ///< a due site that a child in our memory has left to us
uint64_t deferred_r8;
bool deferred_ready;
bool has_threads;
bool can_serialise;
bool asked_to_serialise;

/// Calls that need the program's registers (clone, exec, sigreturn) stay with the dispatcher.
bool MayBePatched(long nr) {
  switch (nr) {
    case __NR_rt_sigreturn:
    case __NR_sigaltstack:
    case __NR_fork:
    case __NR_vfork:
    case __NR_clone:
    case __NR_clone3:
    case __NR_execve:
    case __NR_execveat:
    case __NR_prctl:
    case __NR_seccomp:
    case __NR_ptrace:
    case __NR_arch_prctl:
    case __NR_exit:
    case __NR_exit_group:
    case __NR_restart_syscall:
      return false;
    default:
      return nr >= 0 && nr < 1024;
  }
}

/// mov $nr, %eax directly before the syscall. The number equals rax at the call, as the mov would
/// have left it; the only other instructions that end in these five bytes and agree with that are a
/// mov to r8d (a REX prefix before the b8) with r8 holding the same number, and a load through rax,
/// which would be an address below 1024.
bool IsMove(const uint8_t* syscall, long nr, uint64_t r8) {
  uint32_t immediate;
  memcpy(&immediate, syscall - 4, sizeof immediate);
  if (syscall[-5] != 0xb8 || immediate != static_cast<uint64_t>(nr)) return false;
  const bool rex_b = (syscall[-6] & 0xf1) == 0x41;
  return !rex_b || r8 != static_cast<uint64_t>(nr);
}

/// Length of the no-operation at `at`, if it is one that assemblers use for padding.
size_t PaddingLength(const uint8_t* at) {
  static const uint8_t kLong[] = {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};
  if (memcmp(at, kLong, sizeof kLong) == 0) return sizeof kLong;
  if (memcmp(at, kLong + 1, sizeof kLong - 1) == 0) return sizeof kLong - 1;
  if (memcmp(at, kLong + 2, 8) == 0) return 8;
  static const uint8_t kFive[] = {0x0f, 0x1f, 0x44, 0, 0};
  if (memcmp(at, kFive, sizeof kFive) == 0) return sizeof kFive;
  static const uint8_t kSeven[] = {0x0f, 0x1f, 0x80, 0, 0, 0, 0};
  if (memcmp(at, kSeven, sizeof kSeven) == 0) return sizeof kSeven;
  return 0;
}

/// Padding that nothing runs into, found by decoding exactly what glibc has after the call up to a
/// ret. nullptr: not found.
uint8_t* PaddingBehind(uint8_t* next) {
  // cmp $-4096, %rax; ja
  static const uint8_t kCompare[] = {0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0x77};
  if (memcmp(next, kCompare, sizeof kCompare) != 0) return nullptr;
  uint8_t* at = next + 8;

  // the cancellable variant: restore the cancellation state, keeping rax on the stack
  if (*at != 0xc3) {
    static const uint8_t kBefore[] = {0x44, 0x89, 0xc7, 0x48, 0x89, 0x44, 0x24, 0x08, 0xe8};
    static const uint8_t kAfter[] = {0x48, 0x8b, 0x44, 0x24, 0x08, 0x48, 0x83, 0xc4};
    if (memcmp(at, kBefore, sizeof kBefore) != 0) return nullptr;
    at += sizeof kBefore + 4;
    if (memcmp(at, kAfter, sizeof kAfter) != 0) return nullptr;
    at += sizeof kAfter + 1;
    if (*at != 0xc3) return nullptr;
  }

  ++at;

  return PaddingLength(at) >= 5 ? at : nullptr;
}

bool Reaches(const void* from, const void* to) {
  const int64_t distance = reinterpret_cast<int64_t>(to) - reinterpret_cast<int64_t>(from);
  return distance > -0x7fff0000l && distance < 0x7fff0000l;
}

void JumpBytes(uint8_t* bytes, const uint8_t* at, const void* target) {
  const int32_t distance =
      static_cast<int32_t>(reinterpret_cast<int64_t>(target) - reinterpret_cast<int64_t>(at + 5));
  bytes[0] = 0xe9;
  memcpy(bytes + 1, &distance, sizeof distance);
}

void PutJump(uint8_t* at, const void* target) { JumpBytes(at, at, target); }

/// The next free trampoline, written for a call of `nr` that goes on at `next`. nullptr: no room,
/// or it cannot be written.
uint8_t* MakeTrampoline(long nr, uint8_t* next) {
  char* start = TrampolinesStart + trampolines_used * kTrampolineSize;
  if (start >= TrampolinesEnd || !Reaches(start, next)) return nullptr;
  if (!trampolines_writable) {
    const long size = TrampolinesEnd - TrampolinesStart;
    if (Gate(__NR_mprotect, TrampolinesStart, size, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
      return nullptr;
    trampolines_writable = true;
  }

  ++trampolines_used;
  uint8_t* out = reinterpret_cast<uint8_t*>(start);
  static const uint8_t kLoadNext[] = {0x48, 0x8b, 0x0d, 28, 0, 0, 0};  // mov 28(%rip), %rcx

  // lea -136(%rsp), %rsp
  static const uint8_t kSkip[] = {0x48, 0x8d, 0xa4, 0x24, 0x78, 0xff, 0xff, 0xff};
  static const uint8_t kUnskip[] = {0x48, 0x8d, 0xa4, 0x24, 0x88, 0, 0, 0};  // lea 136(%rsp), %rsp
  const uint32_t number = static_cast<uint32_t>(nr);
  out[0] = 0xb8;  // mov $number, %eax
  memcpy(out + 1, &number, sizeof number);
  memcpy(out + 5, kLoadNext, sizeof kLoadNext);
  memcpy(out + 12, kSkip, sizeof kSkip);
  PutJump(out + 20, reinterpret_cast<const void*>(&PatchedEntry));
  out[20] = 0xe8;  // a call, that is
  memcpy(out + 25, kUnskip, sizeof kUnskip);
  PutJump(out + 33, next);
  memcpy(out + 40, &next, sizeof next);

  return out;
}

/// Makes every processor that runs a thread of this process forget what it has fetched. False: it
/// cannot be had here.
bool Serialise() {
  if (!__atomic_load_n(&has_threads, __ATOMIC_RELAXED)) return true;
  if (!asked_to_serialise) {
    asked_to_serialise = true;
    can_serialise =
        Gate(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0) == 0;
  }
  return can_serialise && Gate(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0) == 0;
}

bool InOneLine(const uint8_t* at, size_t size) {
  return (reinterpret_cast<uint64_t>(at) & 63) + size <= 64;
}

void Store2(uint8_t* at, const uint8_t* bytes) {
  uint16_t value;
  memcpy(&value, bytes, sizeof value);
  __atomic_store_n(reinterpret_cast<uint16_t*>(at), value, __ATOMIC_SEQ_CST);
}

void WriteJump(uint8_t* at, const void* target) {
  static const uint8_t kSpin[] = {0xeb, 0xfe};
  uint8_t jump[5];
  JumpBytes(jump, at, target);
  unfinished_target = target;
  __atomic_store_n(&unfinished_site, at, __ATOMIC_SEQ_CST);
  Store2(at, kSpin);
  Serialise();
  memcpy(at + 2, jump + 2, 3);
  Serialise();
  Store2(at, jump);
  Serialise();
  __atomic_store_n(&unfinished_site, nullptr, __ATOMIC_SEQ_CST);
}

/// Is this text that was made writable by someone else (a just-in-time compiler)? Such pages are
/// left alone. Asked of the kernel by a futex operation that adds 0 to a word.
bool IsWritable(const uint8_t* at) {
  int word = 0;
  constexpr long kAddZero = (FUTEX_OP_ADD << 28) | (FUTEX_OP_CMP_EQ << 24);
  const uint64_t there = reinterpret_cast<uint64_t>(at) & ~uint64_t{3};
  return Gate(__NR_futex, &word, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, there, kAddZero) !=
         -EFAULT;
}

void PatchSite(const Call& call, uint64_t r8) {
  uint8_t* next = reinterpret_cast<uint8_t*>(call.ip);
  uint8_t* syscall = next - 2;
  const uint64_t first_page = (call.ip - 16) & ~uint64_t{4095},
                 end = (call.ip + 64 + 4095) & ~uint64_t{4095};
  if (CheckReadable(reinterpret_cast<void*>(call.ip - 16), 80) != 0) return;
  if (syscall[0] != 0x0f || syscall[1] != 0x05) return;
  uint8_t* at;
  uint8_t* padding = nullptr;
  if (IsMove(syscall, call.nr, r8)) {
    at = syscall - 5;
  } else if (call.nr == 0 && syscall[-2] == 0x31 && syscall[-1] == 0xc0 &&
             (padding = PaddingBehind(next)) != nullptr) {
    at = syscall - 2;
  } else {
    return;
  }

  if (!InOneLine(at, 2) || !Reaches(TrampolinesStart, at) || !Reaches(TrampolinesEnd, at) ||
      IsWritable(at) || !Serialise())
    return;
  const uint64_t page = reinterpret_cast<uint64_t>(at) & ~uint64_t{4095};
  const uint64_t last = padding != nullptr ? reinterpret_cast<uint64_t>(padding + 5)
                                           : reinterpret_cast<uint64_t>(at + 5);
  const uint64_t size = ((last + 4095) & ~uint64_t{4095}) - page;
  if (page < first_page || page + size > end) return;
  if (Gate(__NR_mprotect, page, size, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) return;
  const uint8_t* trampoline = MakeTrampoline(call.nr, next);
  if (trampoline != nullptr && padding == nullptr) {
    WriteJump(at, trampoline);
  } else if (trampoline != nullptr) {
    PutJump(padding, trampoline);
    Serialise();
    const uint8_t hop[] = {0xeb, static_cast<uint8_t>(padding - (at + 2))};
    Store2(at, hop);
    Serialise();
  }

  Gate(__NR_mprotect, page, size, PROT_READ | PROT_EXEC);
}

/// Counts a dispatched call of the site. True when it is due, once.
bool IsDue(uint64_t ip) {
  size_t index = (ip * 0x9e3779b97f4a7c15ull) >> 54;
  for (int probes = 0; probes < 8; ++probes, index = (index + 1) % kSites) {
    Site& site = sites[index];
    uint64_t known = __atomic_load_n(&site.ip, __ATOMIC_RELAXED);
    if (known == 0 && __atomic_compare_exchange_n(&site.ip, &known, ip, false, __ATOMIC_RELAXED,
                                                  __ATOMIC_RELAXED))
      known = ip;
    if (known != ip) continue;
    if (site.hits == kGivenUp) return false;
    if (__atomic_add_fetch(&site.hits, 1, __ATOMIC_RELAXED) < kHitsBeforePatch) return false;
    return true;
  }

  return false;
}

void GiveUp(uint64_t ip) {
  size_t index = (ip * 0x9e3779b97f4a7c15ull) >> 54;
  for (int probes = 0; probes < 8; ++probes, index = (index + 1) % kSites) {
    if (sites[index].ip == ip) __atomic_store_n(&sites[index].hits, kGivenUp, __ATOMIC_RELAXED);
  }
}

}  // namespace

bool HasThreads() { return __atomic_load_n(&has_threads, __ATOMIC_RELAXED); }

void NoteThreads() { __atomic_store_n(&has_threads, true, __ATOMIC_SEQ_CST); }

void FinishPatchingAfterFork() {
  has_threads = false;
  asked_to_serialise = false;
  uint8_t* site = unfinished_site;
  if (site != nullptr) {
    PutJump(site, unfinished_target);
    unfinished_site = nullptr;
  }
  patch_lock = 0;
}

void ConsiderPatching(const Call& call, uint64_t r8) {
  if (!settings.patch || !MayBePatched(call.nr) || !IsDue(call.ip) || UnderProgramFilter()) return;
  if (InSharedMemoryChild()) {
    // It may be killed at any time and leave the parent with half a jump, so the parent does it
    // when this child has gone. (posix_spawn asks for the disposition of every signal in the child:
    // 65 calls of one site.)
    __atomic_store_n(&deferred_r8, r8, __ATOMIC_RELAXED);
    deferred = call;
    __atomic_store_n(&deferred_ready, true, __ATOMIC_RELEASE);
    return;
  }

  uint64_t mask;
  BlockSignals(&mask);
  int unlocked = 0;
  if (__atomic_compare_exchange_n(&patch_lock, &unlocked, 1, false, __ATOMIC_ACQUIRE,
                                  __ATOMIC_RELAXED)) {
    PatchSite(call, r8);
    GiveUp(call.ip);  // done, or not to be done: either way it is not looked at again
    __atomic_store_n(&patch_lock, 0, __ATOMIC_RELEASE);
  }

  RestoreSignals(mask);
}

void PatchWhatWasDeferred() {
  if (!__atomic_exchange_n(&deferred_ready, false, __ATOMIC_ACQUIRE)) return;
  const Call call = deferred;
  ConsiderPatching(call, deferred_r8);
}

extern "C" __attribute__((used)) long PatchedCall(Call* call) { return HandleOrdinary(*call); }

}  // namespace oldornew::preload
