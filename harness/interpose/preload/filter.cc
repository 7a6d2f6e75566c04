// The program's own seccomp filters. They hold for its calls, which we carry out for it from the
// second page of the gate; our extra calls, and the return from the SIGSYS handler, come from the
// first page, which each filter is made to let through (funnel/filter_head.h).
//
// A filter stays across exec, but the gate does not stay where it is: what is executed under a
// filter moves its gate to kMovedGate (interposition.md 13.6).
#include <asm/unistd.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>

#include "interpose/funnel/filter_head.h"
#include "interpose/preload/entry.h"

extern "C" const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));  // the linker's

namespace oldornew::preload {
namespace {

/// Installs the filter that args[2] points at, with our head. False: it cannot be read or is too
/// long to get one.
bool InstallWithHead(Call& call, long* result) {
  sock_fprog program;
  if (CopyIn(&program, reinterpret_cast<const sock_fprog*>(call.args[2])) != 0) return false;
  if (program.len == 0 || program.len + kFilterHead > kMaxFilter) return false;
  const uint64_t size = (program.len + kFilterHead) * sizeof(sock_filter);
  const long memory =
      Gate(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory < 0 && memory > -4096) return false;
  sock_filter* filter = reinterpret_cast<sock_filter*>(memory);
  const bool readable =
      CopyIn(filter + kFilterHead, program.filter, program.len * sizeof(sock_filter)) == 0;
  if (readable) {
    WriteFilterHead(filter, reinterpret_cast<uint64_t>(GateInUse()));
    program.len = static_cast<uint16_t>(program.len + kFilterHead);
    program.filter = filter;
    Call changed = call;
    changed.args[2] = reinterpret_cast<long>(&program);
    *result = CarryOutOrRecord(changed);
  }

  Gate(__NR_munmap, memory, size);

  return readable;
}

/// Libraries ask what the kernel can do by calls that must fail (libseccomp: strict mode with a
/// flag), and whoever has a filter stays with filters.
bool WillBeRefused(const Call& call) {
  if (call.nr == __NR_seccomp && (call.args[1] != 0 || call.args[2] != 0)) return true;
  return Gate(__NR_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) == SECCOMP_MODE_FILTER;
}

/// Strict mode allows read, write, exit and sigreturn: nothing can be recorded, and that is said
/// before.
long EnterStrictMode(Call& call) {
  if (WillBeRefused(call)) return CarryOut(call);
  if (settings.recording)
    FunnelUnsupported(call, "enters the strict mode of seccomp, in which nothing can be recorded");
  const long result = CarryOut(call);
  if (result >= 0) {
    settings.recording = false;
    settings.patch = false;
  }

  return result;
}

/// Where the gate lies in the library's file; 0: not found.
uint64_t GateInFile() {
  const uint64_t base = reinterpret_cast<uint64_t>(&__ehdr_start);
  const uint64_t gate = reinterpret_cast<uint64_t>(GateStart) - base;
  const Elf64_Phdr* segments = reinterpret_cast<const Elf64_Phdr*>(base + __ehdr_start.e_phoff);
  for (int i = 0; i < __ehdr_start.e_phnum; ++i) {
    const Elf64_Phdr& segment = segments[i];
    if (segment.p_type == PT_LOAD && gate >= segment.p_vaddr &&
        gate - segment.p_vaddr < segment.p_filesz)
      return gate - segment.p_vaddr + segment.p_offset;
  }

  return 0;
}

}  // namespace

// By the calls that the loader has just made too, so that no filter minds them.
void MoveGate(const char* library) {
  const uint64_t offset = GateInFile();
  const long fd = library != nullptr && offset != 0
                      ? Gate(__NR_openat, AT_FDCWD, library, O_RDONLY | O_CLOEXEC)
                      : -1;
  if (fd < 0) return;
  const long at = Gate(__NR_mmap, kMovedGate, GateSize(), PROT_READ | PROT_EXEC,
                       MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, offset);
  Gate(__NR_close, fd);
  if (at == static_cast<long>(kMovedGate)) {
    GateShift = at - reinterpret_cast<long>(GateStart);
  } else if (at > 0) {
    Gate(__NR_munmap, at, GateSize());  // a kernel before 4.17 takes the address for a hint
  }
}

long InstallFilter(Call& call) {
  const bool by_prctl = call.nr == __NR_prctl;
  const bool strict =
      by_prctl ? call.args[1] == SECCOMP_MODE_STRICT : call.args[0] == SECCOMP_SET_MODE_STRICT;
  if (strict) return EnterStrictMode(call);
  long result;
  const bool opened = InstallWithHead(call, &result);
  if (!opened) result = CarryOutOrRecord(call);
  if (result >= 0 && opened) AddToEnvironment(wire::kUnderFilter);
  if (result >= 0 && !opened) NoteProgramFilter();
  return result;
}

}  // namespace oldornew::preload
