// Start: the constructor arms the process before any other code of the program runs (the library is
// linked with -z initfirst; the loader itself only reads).
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "interpose/funnel/hole.h"
#include "interpose/preload/entry.h"

namespace oldornew::preload {

Settings settings;

namespace {

// ProcessId's cache. A CLONE_VM child (posix_spawn) shares it with its parent, so it is not used
// while there may be one.
int cached_process_id;
int shared_memory_children;
bool shared_descriptors;
bool program_filter;

/// Go stores its build id in a note of its own. Goroutine stacks have no room for a signal frame.
bool IsGoProgram(const uint64_t* auxv) {
  const Elf64_Phdr* headers = nullptr;
  uint64_t count = 0;
  for (const uint64_t* entry = auxv; entry[0] != AT_NULL; entry += 2) {
    if (entry[0] == AT_PHDR) headers = reinterpret_cast<const Elf64_Phdr*>(entry[1]);
    if (entry[0] == AT_PHNUM) count = entry[1];
  }

  if (headers == nullptr) return false;
  uint64_t bias = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (headers[i].p_type == PT_PHDR)
      bias = reinterpret_cast<uint64_t>(headers) - headers[i].p_vaddr;
  }

  for (uint64_t i = 0; i < count; ++i) {
    if (headers[i].p_type != PT_NOTE) continue;
    const char* note = reinterpret_cast<const char*>(bias + headers[i].p_vaddr);
    const char* end = note + headers[i].p_memsz;
    if (CheckReadable(note, headers[i].p_memsz) != 0) continue;
    while (end - note >= static_cast<long>(sizeof(Elf64_Nhdr) + 4)) {
      const Elf64_Nhdr* head = reinterpret_cast<const Elf64_Nhdr*>(note);
      if (head->n_type == 4 && head->n_namesz == 4 && memcmp(note + sizeof *head, "Go\0", 4) == 0)
        return true;
      note += sizeof *head + ((head->n_namesz + 3) & ~3u) + ((head->n_descsz + 3) & ~3u);
    }
  }

  return false;
}

bool HasVariable(char** envp, const char* assignment) {
  for (; *envp != nullptr; ++envp) {
    if (Equal(*envp, assignment)) return true;
  }
  return false;
}

/// Where the kernel has put argc, argv, the environment and its vector: field 28 of
/// /proc/self/stat. nullptr: not to be found.
char** InitialStack() {
  char text[512];
  const long fd = Gate(__NR_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  const long size = Gate(__NR_read, fd, text, sizeof text);
  Gate(__NR_close, fd);
  long at = size;

  // the name of the program, field 2, may hold anything
  while (at > 0 && text[at - 1] != ')') --at;
  if (at == 0) return nullptr;
  for (int field = 2; field < 28; ++field) {
    while (at < size && text[at] != ' ') ++at;
    ++at;
  }

  uint64_t address = 0;
  for (; at < size && text[at] >= '0' && text[at] <= '9'; ++at)
    address = address * 10 + static_cast<uint64_t>(text[at] - '0');
  if (address % sizeof(char*) != 0 ||
      CheckReadable(reinterpret_cast<void*>(address), sizeof(char*)) != 0)
    return nullptr;

  return reinterpret_cast<char**>(address);
}

/// On valgrind's processor dispatch would catch the calls of valgrind itself, which lie outside our
/// gate too, and kill it. The question is the documented "client request" RUNNING_ON_VALGRIND: an
/// exchange of a register with itself after four rotations that add up to nothing, so that a real
/// processor leaves rdx as it is.
bool OnValgrind() {
  constexpr uint64_t kRunningOnValgrind = 0x1001;
  const volatile uint64_t request[6] = {kRunningOnValgrind};
  uint64_t answer = 0;
  asm volatile(
      "rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi; xchgq %%rbx, %%rbx"
      : "+d"(answer)
      : "a"(request)
      : "cc", "memory", "rdi");
  return answer != 0;
}

/// Runs from .init_array. glibc passes the arguments of main; musl passes nothing, and the
/// registers hold what they hold.
__attribute__((constructor, used)) void Start(int argc, char** argv, char** envp) {
  if (OnValgrind()) return;  // its program is static, and reported as such
  if (argc < 0 || envp != argv + argc + 1 ||
      CheckReadable(argv, sizeof(char*) * (static_cast<size_t>(argc) + 2)) != 0) {
    char** stack = InitialStack();
    if (stack == nullptr) return;  // inert; the recording misses the announcement of this image
    envp = stack + 1 + *reinterpret_cast<uint64_t*>(stack) + 1;
  }
  char** end = envp;
  while (*end != nullptr) ++end;
  const uint64_t* auxv = reinterpret_cast<const uint64_t*>(end + 1);
  SaveEnvironment(envp);
  if (HasVariable(envp, wire::kUnderFilter)) MoveGate(LibraryPath());
  settings.recording = FunnelInit(envp, auxv);
  if (!settings.recording && !HasVariable(envp, "OLDORNEW_ARM=1")) return;
  LearnHole(envp);
  if (!SavedEnvironmentIsComplete()) return;
  settings.on_alternate_stack = IsGoProgram(auxv);
  // A rewritten site runs the funnel on the program's stack, for which a goroutine's has no room.
  settings.patch = !settings.on_alternate_stack && !HasVariable(envp, "OLDORNEW_PATCH=0");
  NoteNewProcess();
  if (!InstallSigsysHandler()) return;
  ArmThread();
  // Go looks for the kernel's vector after the environment, so there the array must keep its
  // length.
  if (!settings.on_alternate_stack) HideFromProgram(envp);
  if (settings.recording && !IsHole(Hole::kStart)) FunnelProcessStarted(StartedBy::kExec);
}

}  // namespace

void ArmThread() {
  Gate(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, GateInUse(), GateSize(), 0);
}

void DisarmThread() { Gate(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF); }

void BlockSignals(uint64_t* old_mask) {
  const uint64_t all = ~SignalBit(SIGSYS);
  Gate(__NR_rt_sigprocmask, SIG_SETMASK, &all, old_mask, sizeof all);
}

void RestoreSignals(uint64_t old_mask) {
  Gate(__NR_rt_sigprocmask, SIG_SETMASK, &old_mask, 0, sizeof old_mask);
}

int ProcessId() {
  if (__atomic_load_n(&shared_memory_children, __ATOMIC_RELAXED) != 0)
    return static_cast<int>(Gate(__NR_getpid));
  return __atomic_load_n(&cached_process_id, __ATOMIC_RELAXED);
}

int ThreadId() { return static_cast<int>(Gate(__NR_gettid)); }

bool UnderProgramFilter() { return __atomic_load_n(&program_filter, __ATOMIC_RELAXED); }

void NoteProgramFilter() { __atomic_store_n(&program_filter, true, __ATOMIC_RELAXED); }

void NoteNewProcess() {
  __atomic_store_n(&shared_memory_children, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&cached_process_id, static_cast<int>(Gate(__NR_getpid)), __ATOMIC_RELAXED);
}

void NoteSharedMemoryChild(int delta) {
  __atomic_fetch_add(&shared_memory_children, delta, __ATOMIC_SEQ_CST);
}

void NoteSharedDescriptors() { __atomic_store_n(&shared_descriptors, true, __ATOMIC_SEQ_CST); }

bool SharesDescriptorsOrMemory() {
  return __atomic_load_n(&shared_memory_children, __ATOMIC_RELAXED) != 0 ||
         __atomic_load_n(&shared_descriptors, __ATOMIC_RELAXED);
}

bool InSharedMemoryChild() {
  if (__atomic_load_n(&shared_memory_children, __ATOMIC_RELAXED) == 0) return false;
  return static_cast<int>(Gate(__NR_getpid)) !=
         __atomic_load_n(&cached_process_id, __ATOMIC_RELAXED);
}

}  // namespace oldornew::preload
