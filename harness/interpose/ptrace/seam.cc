// The seam of the funnel (funnel/seam.h) as the tracer provides it: "the program" is the current
// thread of the engine. Questions about descriptors and about the process itself are answered by
// the tracer through /proc, where the answer is exact: /proc/TID/fd/N is the very file. What a path
// means is always asked of the kernel on behalf of the program, by a call that its thread makes.
#include "interpose/funnel/seam.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>

#include "base/check.h"
#include "interpose/funnel/recorder.h"
#include "interpose/ptrace/engine.h"

namespace oldornew::preload {

using ptrace::g_engine;
using ptrace::Stage;

char* const g_path = reinterpret_cast<char*>(Stage::kPaths);
char* const g_path2 = reinterpret_cast<char*>(Stage::kPaths + Stage::kPathSize);
char* const g_scratch = reinterpret_cast<char*>(Stage::kPaths + 2 * Stage::kPathSize);
static_assert(kPathMax <= Stage::kPathSize && kTracedRoom == Stage::kSize);

namespace {

constexpr size_t kStateSize = size_t{96} << 10;
size_t state_used = 0;

/// Descriptors of the tracer itself that the funnel asked for (files of /proc) are told from the
/// program's by this.
constexpr int kOurs = 1 << 30;

bool IsOurs(long fd) { return fd >= kOurs; }
int Ours(long fd) { return static_cast<int>(fd - kOurs); }

long Outcome(long result) { return result < 0 ? -errno : result; }

struct ProcPath {
  char text[96];
  /// "/proc/TID/fd/N".
  explicit ProcPath(const char* directory, long number) {
    snprintf(text, sizeof text, "/proc/%d/%s/%ld", g_engine->current().tid, directory, number);
  }
  /// "/proc/TID/rest" for "/proc/self/rest".
  explicit ProcPath(const char* self) {
    snprintf(text, sizeof text, "/proc/%d/%s", g_engine->current().tid,
             self + strlen("/proc/self/"));
  }
};

bool IsOfItself(const char* path) { return strncmp(path, "/proc/self/", 11) == 0; }

/// A field of /proc/TID/fdinfo/N or /proc/TID/status, as a number. -ENOENT: there is none.
long Field(const char* path, const char* name, int base, int column = 0) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  char text[4096];
  const ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return -ENOENT;
  text[size] = 0;
  const char* at = text;
  const size_t length = strlen(name);
  while (at != nullptr && strncmp(at, name, length) != 0) {
    at = strchr(at, '\n');
    if (at != nullptr) ++at;
  }

  if (at == nullptr) return -ENOENT;
  at += length;
  char* end = nullptr;
  long value = strtol(at, &end, base);
  for (; column > 0; --column) value = strtol(end, &end, base);

  return value;
}

long StatusField(const char* name, int column = 0) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/status", g_engine->current().tid);
  return Field(path, name, 10, column);
}

long DescriptorField(long fd, const char* name, int base) {
  const long value = Field(ProcPath("fdinfo", fd).text, name, base);
  return value == -ENOENT ? -EBADF : value;
}

long Stat(long fd, struct stat* out) {
  if (IsOurs(fd)) return Outcome(fstat(Ours(fd), out));
  const long result = Outcome(stat(ProcPath("fd", fd).text, out));
  return result == -ENOENT ? -EBADF : result;
}

/// Reading a file of the program by descriptor, without moving its position.
long ReadAt(long fd, char* to, size_t size, off_t offset) {
  if (IsOurs(fd)) return Outcome(pread(Ours(fd), to, size, offset));
  const int file = open(ProcPath("fd", fd).text, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return -errno;
  const long result = Outcome(pread(file, to, size, offset));
  close(file);
  return result;
}

long OpenOfItself(const char* path, long flags) {
  const int fd = open(ProcPath(path).text, static_cast<int>(flags) | O_CLOEXEC);
  return fd < 0 ? -errno : fd + kOurs;
}

template <typename T>
T* Pointer(long value) {
  return reinterpret_cast<T*>(value);
}

/// Questions that need no call of the program. False: ask it.
bool AnswerAboutFile(long nr, const long (&a)[6], long* answer) {
  switch (nr) {
    case SYS_fstat:
      *answer = Stat(a[0], Pointer<struct stat>(a[1]));
      return true;
    case SYS_fstatfs:
      *answer = Outcome(statfs(ProcPath("fd", a[0]).text, Pointer<struct statfs>(a[1])));
      return true;
    case SYS_fcntl:
      if (a[1] != F_GETFL) return false;
      *answer = DescriptorField(a[0], "flags:\t", 8);
      if (*answer >= 0) *answer &= ~static_cast<long>(O_CLOEXEC);
      return true;
    case SYS_lseek:
      if (a[1] != 0 || a[2] != SEEK_CUR) return false;
      *answer = DescriptorField(a[0], "pos:\t", 10);
      return true;
    case SYS_read:
      if (!IsOurs(a[0])) return false;
      *answer = Outcome(read(Ours(a[0]), Pointer<char>(a[1]), static_cast<size_t>(a[2])));
      return true;
    case SYS_pread64:
      *answer = ReadAt(a[0], Pointer<char>(a[1]), static_cast<size_t>(a[2]), a[3]);
      return true;
    case SYS_close:
      if (!IsOurs(a[0])) return false;
      *answer = Outcome(close(Ours(a[0])));
      return true;
    case SYS_fgetxattr:
      *answer = Outcome(syscall(SYS_getxattr, ProcPath("fd", a[0]).text, a[1], a[2], a[3]));
      return true;
    case SYS_getxattr:
      if (!IsOfItself(Pointer<char>(a[0]))) return false;
      *answer =
          Outcome(syscall(SYS_getxattr, ProcPath(Pointer<char>(a[0])).text, a[1], a[2], a[3]));
      return true;
#ifdef SYS_readlink
    case SYS_readlink:
      if (!IsOfItself(Pointer<char>(a[0]))) return false;
      *answer = Outcome(readlink(ProcPath(Pointer<char>(a[0])).text, Pointer<char>(a[1]),
                                 static_cast<size_t>(a[2])));
      return true;
#endif
    case SYS_openat:
      if (a[0] != AT_FDCWD || !IsOfItself(Pointer<char>(a[1]))) return false;
      *answer = OpenOfItself(Pointer<char>(a[1]), a[2]);
      return true;
    case SYS_madvise:  // of the recording
      *answer =
          Outcome(madvise(Pointer<void>(a[0]), static_cast<size_t>(a[1]), static_cast<int>(a[2])));
      return true;
    default:
      return false;
  }
}

bool AnswerAboutProcess(long nr, const long (&a)[6], long* answer) {
  ptrace::Thread& thread = g_engine->current();
  switch (nr) {
    case SYS_getpid:
      *answer = thread.process->pid;
      return true;
    case SYS_gettid:
      *answer = thread.tid;
      return true;
    case SYS_getppid:
      *answer = StatusField("PPid:\t");
      return true;
    case SYS_getuid:
      *answer = StatusField("Uid:\t");
      return true;
    case SYS_geteuid:
      *answer = StatusField("Uid:\t", 1);
      return true;
    case SYS_getgid:
      *answer = StatusField("Gid:\t");
      return true;
    case SYS_getegid:
      *answer = StatusField("Gid:\t", 1);
      return true;
    case SYS_prctl:
      if (a[0] != PR_GET_NO_NEW_PRIVS) return false;
      *answer = StatusField("NoNewPrivs:\t");
      return true;
    case SYS_prlimit64: {
      const long process = a[0] == 0 ? thread.process->pid : a[0];
      *answer = Outcome(syscall(SYS_prlimit64, process, a[1], a[2], a[3]));
      return true;
    }
    case SYS_sched_yield:
    case SYS_nanosleep:
      g_engine->GiveWay();
      *answer = 0;
      return true;
    case SYS_kill:
      CHECK(a[0] == thread.process->pid && a[1] == SIGKILL);  // the only one the funnel sends
      g_engine->KillCurrent();
    default:
      return false;
  }
}

/// At the second place, after a directory.
bool TakesPath(long nr) {
  return nr == SYS_newfstatat || nr == SYS_openat || nr == SYS_openat2 || nr == SYS_faccessat2;
}

}  // namespace

bool SignalBefore(int signal, const Fault& fault) {
  g_engine->SignalFirst(signal, fault);
  return false;
}

void SignalAfter(int signal) { kill(ProcessId(), signal); }

size_t ReserveState(size_t size) {
  const size_t at = state_used;
  state_used += (size + 63) / 64 * 64;
  CHECK(state_used <= kStateSize);
  return at;
}

char* ProcessState() {
  std::vector<uint64_t>& state = g_engine->current().process->memory->state;
  if (state.empty()) state.resize(kStateSize / sizeof(uint64_t));
  return reinterpret_cast<char*>(state.data());
}

extern "C" long GateSyscall(long nr, long a, long b, long c, long d, long e, long f) {
  long args[6] = {a, b, c, d, e, f};
  long answer;
  if (AnswerAboutFile(nr, args, &answer) || AnswerAboutProcess(nr, args, &answer)) return answer;
  char constant[16];
  if (const auto path = static_cast<uint64_t>(b); TakesPath(nr) && !Stage::Holds(path)) {
    // A string constant of ours, such as ".": to where the program's thread can be made to pass it.
    CHECK(strlen(Pointer<char>(b)) < sizeof constant);
    strcpy(constant, Pointer<char>(b));
    args[1] = reinterpret_cast<long>(constant);
  }
  return g_engine->MakeCall(nr, args, nr == SYS_ppoll);
}

extern "C" long GateProgramSyscall(long nr, long a, long b, long c, long d, long e, long f) {
  return g_engine->MakeCall(nr, {a, b, c, d, e, f}, true);
}

char* Lend(char* bytes, uint64_t length) {
  if (length > Stage::kBytesSize) return nullptr;
  return static_cast<char*>(memcpy(reinterpret_cast<char*>(Stage::kBytes), bytes, length));
}

int ProcessId() { return g_engine->current().process->pid; }
int ThreadId() { return g_engine->current().tid; }
int CurrentThread() { return ThreadId(); }

bool SharesDescriptorsOrMemory() {
  const ptrace::Process& process = *g_engine->current().process;
  return process.shares_descriptors || process.memory->sharers > 1;
}

// The program's filters apply to the calls that its thread makes for us, but those are few (see
// above) and of the kind that its own calls imply.
bool UnderProgramFilter() { return false; }

void DistrustThreadPointer() {}
void DisarmThread() {}

void NumberThread(int tid, bool first) {
  ptrace::Thread* thread = g_engine->FindThread(tid);
  if (first) thread->process->threads_made = 0;
  thread->number = thread->process->threads_made++;
}

uint32_t ThreadNumber(int tid) {
  const ptrace::Thread* thread = g_engine->FindThread(tid);
  return thread == nullptr ? ~0u : thread->number;
}

FileLock::FileLock() : old_mask_(0), tid_(ThreadId()), blocked_(false) { g_engine->AcquireLock(); }

FileLock::~FileLock() { g_engine->ReleaseLock(); }

}  // namespace oldornew::preload
